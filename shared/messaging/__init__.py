"""RabbitMQ. The only package that imports pika."""
