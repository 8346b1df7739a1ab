"""Words of addresses in the United States and their short forms, after the postal service's Publication 28."""

from __future__ import annotations


def _table(text: str) -> dict[str, str]:
    """Each line is a short form and the words that mean it."""
    rows = [line.split() for line in text.strip().splitlines()]
    return {word: row[0] for row in rows for word in row}


STREETS = _table("""
aly alley ally
ave av aven avenue avenu avn
blvd boulevard boul boulv
bnd bend
br branch
brg bridge
brk brook
byp bypass
cir circle circ crcl
clb club
cor corner
cres crescent
crk creek
cswy causeway
ct court crt
ctr center centre
cv cove
dr drive drv
est estate ests estates
expy expressway expwy
ext extension
fwy freeway
gdns gardens gdn garden
gln glen
grn green
grv grove
hbr harbor
hl hill
hls hills
holw hollow
hts heights
hwy highway hiway hway
is island
jct junction
knl knoll
knls knolls
ldg landing
ln lane
loop loops
mall malls
mdw meadow
mdws meadows
ml mill
mnr manor
mt mount
mtn mountain
pass pas
path paths
pike pikes
pk park prk
pkwy parkway pky parkwy
pl place
plz plaza plza
pne pine
pnes pines
pt point
rd road
rdg ridge
rte route
row rows
run runs
sq square sqr
st street str saint
sta station
ter terrace terr
tpke turnpike trnpk
trce trace
trl trail trls trails tr
vis vista
vlg village
vly valley
vw view
walk walks
way wy
xing crossing
xrd crossroad
""")

DIRECTIONS = _table("""
n north no
s south so
e east
w west
ne northeast
nw northwest
se southeast
sw southwest
""")

NUMERALS = _table("""
1st first
2nd second
3rd third
4th fourth
5th fifth
6th sixth
7th seventh
8th eighth
9th ninth
10th tenth
11th eleventh
12th twelfth
""")

UNITS = frozenset(
    _table(
        """
apt apartment
unit
ste suite
fl floor flr
rm room
bldg building
lot
#
trlr trailer
spc space
dept department
bsmt basement
frnt front
rear
lbby lobby
ph penthouse
level
"""
    )
)

COUNTRIES = frozenset({"us", "usa", "united states", "united states of america"})

_STATES = (
    "al:alabama ak:alaska az:arizona ar:arkansas ca:california co:colorado ct:connecticut de:delaware "
    "dc:district_of_columbia fl:florida ga:georgia hi:hawaii id:idaho il:illinois in:indiana ia:iowa ks:kansas "
    "ky:kentucky la:louisiana me:maine md:maryland ma:massachusetts mi:michigan mn:minnesota ms:mississippi "
    "mo:missouri mt:montana ne:nebraska nv:nevada nh:new_hampshire nj:new_jersey nm:new_mexico ny:new_york "
    "nc:north_carolina nd:north_dakota oh:ohio ok:oklahoma or:oregon pa:pennsylvania pr:puerto_rico ri:rhode_island "
    "sc:south_carolina sd:south_dakota tn:tennessee tx:texas ut:utah vt:vermont va:virginia wa:washington "
    "wv:west_virginia wi:wisconsin wy:wyoming"
)
STATES = {
    spelled: code
    for code, name in (pair.split(":") for pair in _STATES.split())
    for spelled in (code, name.replace("_", " "))
}
