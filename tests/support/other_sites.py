"""The headers that a browser adds to a request that a page makes it send."""

# Each is a page of another site. `testserver` is the host that Django's test client asks for.
FOREIGN = {
    "another host": {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
    "another host, by an old browser": {"origin": "http://evil.example"},
    "another port": {"origin": "http://testserver:8000", "sec-fetch-site": "same-site"},
    "another scheme": {"origin": "https://testserver", "sec-fetch-site": "cross-site"},
    "a host that begins with ours": {"origin": "http://testserver.evil.example"},
    "a sandboxed frame": {"origin": "null", "sec-fetch-site": "cross-site"},
    "an empty origin": {"origin": ""},
    "no origin": {"sec-fetch-site": "cross-site"},
    "no origin, a host beside ours": {"sec-fetch-site": "same-site"},
}
OWN = {
    "no browser": {},
    "our page": {"origin": "http://testserver", "sec-fetch-site": "same-origin"},
    "our page, by an old browser": {"origin": "http://testserver"},
    "a person": {"sec-fetch-site": "none"},
}
# Sent without asking, as browsers do with forms, beacons and `no-cors` fetches.
FORM_TYPES = [
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
    "text/plain;charset=UTF-8",
]
