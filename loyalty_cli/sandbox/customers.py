"""The sandbox's customers: made up, and each of them different on every platform."""

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType

from msgspec import Struct

from loyalty_cli.model.amount import Amount


class Card(Struct, frozen=True):
    """A customer of Imprint."""

    balance: int
    symbol: str
    description: str | None = None


class Expiry(Struct, frozen=True):
    """Points of Gameball that expire next."""

    points: int
    date: str


class Member(Struct, frozen=True):
    """A customer of Gameball; without `points_per_unit` the points are worth no money.

    With `sparse`, the answer leaves out every property that it may.
    """

    available: int
    pending: int = 0
    earned: int = 0
    points_per_unit: int | None = None
    currency: str = "USD"
    points_name: str = "Reward Points"
    expiry: Expiry | None = None
    tier: str = "Bronze"
    referrals: int = 0
    sparse: bool = False


class Points(Struct, frozen=True):
    """The points of one of Capillary's programmes: those to spend, and those promised, by kind."""

    main: Amount
    delayed: Amount = Amount("0.000")
    external: Amount = Amount("0.000")


class Shopper(Struct, frozen=True):
    """A customer of Capillary, who is in some of its programmes."""

    entity_id: int
    programs: Mapping[int, Points]
    warnings: tuple[str, ...] = ()


class Holder(Struct, frozen=True):
    """A profile of Omneo.

    With `guide_shape`, the answer has numbers for strings and lacks what Omneo's guide leaves out.
    """

    points: Amount
    points_value: Amount
    rewards: Amount
    credit: Amount
    benefits: int = 0
    guide_shape: bool = False


class Credit(Struct, frozen=True):
    """Credit of SaaSquatch in one unit; `user` is None where it is the account's own user's."""

    unit: str
    count: int
    assigned: int
    redeemed: int = 0
    pending: int = 0
    expired: int = 0
    cancelled: int = 0
    user: str | None = None


class Discount(Struct, frozen=True):
    """A percentage off at SaaSquatch, for being referred and for referring."""

    count: int
    referred: int
    referrer: int
    user: str | None = None


class FuelTank(Struct, frozen=True):
    """Codes of SaaSquatch that were set aside for a customer."""

    unit: str
    codes: int
    user: str | None = None


class Shape(Enum):
    """How SaaSquatch writes its answer; older servers do it in the latter two ways."""

    LIST = auto()
    WRAPPED_TEXT = auto()
    BARE = auto()


class Referrer(Struct, frozen=True):
    """An account of SaaSquatch."""

    rewards: tuple[Credit | Discount | FuelTank, ...] = ()
    shape: Shape = Shape.LIST


class Customer(Struct, frozen=True):
    """One customer, as each platform knows them."""

    imprint: Card
    gameball: Member
    capillary: Shopper
    omneo: Holder
    saasquatch: Referrer = Referrer()


DEFAULT_PROGRAM = 1

_A = Amount

_ORDINARY = {
    # What the platforms' own references show.
    "C-1001": Customer(
        Card(120000, "$", "Cash back"),
        Member(
            1200,
            pending=300,
            earned=2500,
            points_per_unit=20,
            expiry=Expiry(200, "2024-12-01T00:00:00"),
            tier="Silver",
            referrals=3,
        ),
        Shopper(565000101, {1: Points(_A("8500.000")), 42: Points(_A("120.000"))}),
        Holder(_A(1200), _A("120.00"), rewards=_A("25.00"), credit=_A("0.00")),
        Referrer((Credit("CENTS", count=5, assigned=12500, redeemed=2500),)),
    ),
    # Nothing yet.
    "C-1002": Customer(
        Card(0, "points", "Points"),
        Member(0, points_per_unit=20),
        Shopper(565000102, {1: Points(_A("0.000"))}),
        Holder(_A(0), _A("0.00"), rewards=_A("0.00"), credit=_A("0.00")),
    ),
    # Something is pending.
    "C-1003": Customer(
        Card(4200, "points", "Summer points"),
        Member(450, pending=750, earned=1200, points_per_unit=100, currency="EUR"),
        Shopper(
            565000103, {1: Points(_A("300.000"), delayed=_A("120.500"), external=_A("30.000"))}
        ),
        Holder(_A(90), _A("9.00"), rewards=_A("5.00"), credit=_A("12.50")),
        Referrer((Credit("points", count=2, assigned=600, pending=150),)),
    ),
    # Several balances; two of them belong to another user of the account.
    "C-1004": Customer(
        Card(2599, "$"),
        Member(
            5000,
            pending=20,
            earned=9020,
            points_per_unit=50,
            expiry=Expiry(1000, "2026-12-01T00:00:00"),
            tier="Gold",
            referrals=12,
        ),
        Shopper(
            565000104,
            {1: Points(_A("1040.250")), 42: Points(_A("77.750"), delayed=_A("10.000"))},
        ),
        Holder(_A(3100), _A("310.00"), rewards=_A("40.00"), credit=_A("15.00"), benefits=2),
        Referrer(
            (
                Credit("CENTS", count=3, assigned=7500, redeemed=500),
                Credit("points", count=8, assigned=2400, redeemed=400, pending=300),
                Discount(count=2, referred=10, referrer=15, user="U-2"),
                FuelTank("freemb", codes=4, user="U-2"),
            )
        ),
    ),
    # Points that last a long while.
    "C-1005": Customer(
        Card(88, "miles", "Air miles"),
        Member(
            640,
            earned=640,
            points_per_unit=10,
            currency="AUD",
            points_name="Stars",
            expiry=Expiry(640, "2031-06-30T23:59:59"),
        ),
        Shopper(565000105, {1: Points(_A("640.000"), external=_A("64.000"))}),
        Holder(_A(640), _A("64.00"), rewards=_A("0.00"), credit=_A("200.00"), benefits=1),
        Referrer((Credit("cents", count=1, assigned=2000), Credit("CENTS", count=1, assigned=300))),
    ),
    # Numbers that a binary float cannot hold.
    "C-1006": Customer(
        Card(9007199254740993, "points", "Points"),
        Member(9007199254740993, pending=1, earned=9007199254740995),
        Shopper(565000106, {1: Points(_A("12345678901234567.890"), delayed=_A("0.001"))}),
        Holder(
            _A("9007199254740993"),
            _A("900719925474099.30"),
            rewards=_A("0.10"),
            credit=_A("0.20"),
        ),
        Referrer((Credit("CENTS", count=1, assigned=98765432109876543210),)),
    ),
    # Decimals, and a currency that is not the dollar.
    "C-1007": Customer(
        Card(1995, "€", "Guthaben"),
        Member(333, pending=67, earned=400, points_per_unit=100, currency="EUR", tier="Silver"),
        Shopper(
            565000107,
            {1: Points(_A("1234.567"), delayed=_A("0.433"))},
            warnings=("Two cards of this customer were merged.",),
        ),
        Holder(_A("199.5"), _A("19.95"), rewards=_A("7.35"), credit=_A("0.05"), guide_shape=True),
        Referrer((Credit("EUR_CENTS", count=4, assigned=1995, redeemed=995),)),
    ),
    # Credit that expired or was cancelled.
    "C-1008": Customer(
        Card(-350, "$", "Cash back"),
        Member(75, earned=900, sparse=True),
        Shopper(565000108, {1: Points(_A("75.000"))}),
        Holder(_A(75), _A("7.50"), rewards=_A("10.00"), credit=_A("0.00")),
        Referrer(
            (Credit("CENTS", count=6, assigned=5000, redeemed=1000, expired=700, cancelled=300),)
        ),
    ),
    # A percentage off, from an older server that sends one object.
    "C-1009": Customer(
        Card(51000, "USD", "Travel credit"),
        Member(15000, pending=500, earned=40000, points_per_unit=100, tier="Platinum"),
        Shopper(565000109, {42: Points(_A("410.000"))}),
        Holder(_A(15000), _A("1500.00"), rewards=_A("150.00"), credit=_A("75.00"), benefits=5),
        Referrer((Discount(count=1, referred=0, referrer=20),), Shape.BARE),
    ),
    # Digits as text, from an older server.
    "C-1010": Customer(
        Card(1, "points"),
        Member(1, earned=1, points_per_unit=100, expiry=Expiry(1, "2026-11-30T00:00:00")),
        Shopper(565000110, {1: Points(_A("0.001"))}),
        Holder(_A(1), _A("0.01"), rewards=_A("0.00"), credit=_A("0.01")),
        Referrer(
            (
                Credit("CENTS", count=2, assigned=4000, redeemed=1),
                FuelTank("GIFTCARD", codes=1),
            ),
            Shape.WRAPPED_TEXT,
        ),
    ),
}

CUSTOMERS: Mapping[str, Customer] = MappingProxyType(
    {
        **_ORDINARY,
        "E-slow": _ORDINARY["C-1001"],
        "E-insufficient": _ORDINARY["C-1001"],
        "E-lost-reply": _ORDINARY["C-1001"],
        "E-late": _ORDINARY["C-1001"],
    }
)
"""Everyone a platform can answer for, those who misbehave before or after it included."""
