"""The events of `make demo-data`."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo


@dataclass(frozen=True, kw_only=True)
class Planned:
    """Days and minutes are from now, the hour is that of its zone. `guests` want a place in turn,
    so some of them may have to wait. A past event is made open, filled and then ended."""

    name: str
    description: str
    venue: str
    seats: int
    waitlist: int
    price: float
    starts_in_days: float
    hour: int = 19
    lasts_hours: float = 3
    opens_in_days: float = -3
    opens_in_minutes: float | None = None
    closed_before_days: float = 0.1
    guests: int = 0
    cancelled: bool = False
    time_zone: str = "Asia/Bangkok"
    currency: str = "THB"

    @property
    def opens_again(self) -> bool:
        """Whether its opening is moved with each run, so that it is always about to come."""
        return self.opens_in_minutes is not None

    def fields(self, now: datetime) -> dict[str, Any]:
        return {
            "name": self.name,
            "description": self.description,
            "venue": self.venue,
            "max_seats": self.seats,
            "waitlist_limit": self.waitlist,
            "price": self.price,
            "time_zone": self.time_zone,
            "currency": self.currency,
            "starts_at": self._starts(now).isoformat(),
            "ends_at": (self._starts(now) + timedelta(hours=self.lasts_hours)).isoformat(),
        }

    def window(self, now: datetime) -> dict[str, str]:
        opens = now + timedelta(days=self.opens_in_days)
        if self.opens_in_minutes is not None:
            opens = now + timedelta(minutes=self.opens_in_minutes)
        closes = max(self._closes(now), now + timedelta(hours=1))
        return {"booking_start_at": opens.isoformat(), "booking_end_at": closes.isoformat()}

    def ended(self, now: datetime) -> dict[str, str]:
        """What ends the booking of a past event; empty for others."""
        closes = self._closes(now)
        return {"booking_end_at": closes.isoformat()} if closes < now else {}

    def _closes(self, now: datetime) -> datetime:
        return self._starts(now) - timedelta(days=self.closed_before_days)

    def _starts(self, now: datetime) -> datetime:
        day = now.astimezone(ZoneInfo(self.time_zone)) + timedelta(days=self.starts_in_days)
        return day.replace(hour=self.hour, minute=0)


SEASON = (
    Planned(
        name="Jazz by the River",
        description="Five bands, one sunset and the Chao Phraya.\n\n"
        "- Doors open an hour before\n- Sit where you like within your row\n"
        "- Children under 7 need no ticket",
        venue="River Park, Charoen Nakhon, Bangkok",
        seats=320,
        waitlist=40,
        price=1290,
        starts_in_days=24,
        guests=148,
    ),
    Planned(
        name="เวิร์กช็อปเซรามิก: ปั้นแก้วใบแรก",
        description="ปั้น ขึ้นรูป และเคลือบแก้วใบแรกของคุณเองกับครูช่างจากราชบุรี\n\n"
        "รวมดิน อุปกรณ์ และค่าเผา รับผลงานกลับบ้านได้ใน **สองสัปดาห์**",
        venue="บ้านดินสตูดิโอ อารีย์ กรุงเทพฯ",
        seats=12,
        waitlist=8,
        price=1650,
        hour=10,
        starts_in_days=9,
        guests=17,
    ),
    Planned(
        name="Chao Phraya Night Run 10K",
        description="Ten kilometres over five bridges, closed to traffic.\n\n"
        "Timing chip, shirt and a bowl of *khao tom* at the finish are included.",
        venue="Lan Khon Mueang, Bangkok",
        seats=900,
        waitlist=100,
        price=750,
        starts_in_days=45,
        lasts_hours=4,
        guests=412,
    ),
    Planned(
        name="คอนเสิร์ตหมอลำร่วมสมัย: แสงเหนือทุ่ง",
        description="หมอลำกลอน พิณไฟฟ้า และวงเครื่องเป่า บนเวทีเดียวกันครั้งแรกในกรุงเทพฯ\n\n"
        "เปิดจองพร้อมกันทุกที่นั่ง **คนละหนึ่งที่นั่ง**",
        venue="หอศิลปวัฒนธรรมแห่งกรุงเทพมหานคร",
        seats=400,
        waitlist=100,
        price=990,
        starts_in_days=30,
        opens_in_minutes=10,
    ),
    Planned(
        name="Python Sprint Day Bangkok",
        description="Bring a laptop, leave with a merged pull request. "
        "Mentors help with the first one.",
        venue="True Digital Park, Bangkok",
        seats=80,
        waitlist=20,
        price=0,
        hour=9,
        starts_in_days=12,
        lasts_hours=8,
        guests=33,
    ),
    Planned(
        name="วิ่งเทรลดอยสุเทพ 25 กม.",
        description="เส้นทางป่าดิบเขา ความสูงสะสม 1,400 เมตร มีจุดให้น้ำสี่จุด\n\nนักวิ่งต้องมีประกันอุบัติเหตุ",
        venue="อ่างแก้ว มหาวิทยาลัยเชียงใหม่",
        seats=250,
        waitlist=50,
        price=1200,
        hour=6,
        starts_in_days=60,
        lasts_hours=7,
        opens_in_days=3,
    ),
    Planned(
        name="Kyoto Photo Walk",
        description="Three hours through Higashiyama before the crowds come, with a photographer "
        "who lives there.",
        venue="Yasaka Pagoda, Kyoto",
        seats=15,
        waitlist=5,
        price=6800,
        currency="JPY",
        time_zone="Asia/Tokyo",
        hour=7,
        starts_in_days=40,
        guests=14,
    ),
    Planned(
        name="Loy Krathong Dinner Cruise",
        description="Dinner on the river, with a krathong made of bread for everyone.",
        venue="Asiatique Pier 2, Bangkok",
        seats=60,
        waitlist=10,
        price=2200,
        starts_in_days=18,
        guests=41,
        cancelled=True,
    ),
    Planned(
        name="คลาสทำขนมไทย: ลูกชุบและทองหยอด",
        description="เรียนทำขนมไทยสองอย่างตั้งแต่กวนถั่วจนถึงจัดกล่อง",
        venue="ครัวบ้านคุณยาย นนทบุรี",
        seats=20,
        waitlist=10,
        price=890,
        hour=10,
        starts_in_days=-6,
        opens_in_days=-40,
        guests=26,
    ),
    Planned(
        name="Indie Film Night: Shorts from Isan",
        description="Six short films and their makers. Thai with English subtitles.",
        venue="Doc Club & Pub, Bangkok",
        seats=90,
        waitlist=0,
        price=250,
        starts_in_days=-20,
        opens_in_days=-50,
        guests=64,
    ),
)
