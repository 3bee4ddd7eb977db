"""What English words are to each other, as far as a small table can tell: other words for the same, opposites, and
which words are verbs and adjectives. Words are looked up by their terms (`shared.text.language.term`)."""

from __future__ import annotations

from functools import cache

from shared.text.language import term, terms_of

_SAME = """\
    begin start open commence launch
    end finish stop close conclude over
    buy purchase order get
    sell trade
    cost price charge expensive pay fee worth
    big large huge enormous size giant
    small little tiny
    fast quick rapid speed
    happy satisfied glad pleased content
    hard difficult tough
    easy simple
    make build construct create produce manufacture
    sow plant
    fix repair mend restore
    show demonstrate present display
    ship vessel boat
    car vehicle automobile
    child kid children son daughter baby
    people person human inhabitant resident member men women worker crowd
    worker employee staff labourer laborer workforce
    boss chief leader head manager director
    doctor physician
    teacher professor lecturer instructor
    student pupil
    home house
    journey trip voyage crossing travel ride
    street road avenue
    shop store
    city town
    picture photo photograph image
    film movie video
    song music tune
    error mistake fault
    frequent common usual often
    method way technique
    danger risk hazard threat dangerous
    ban forbid forbidden prohibit allow permit permitted allowed banned may
    need require necessary
    should must need have
    use rely employ
    lose lost drop
    spill leak
    hurt injure injured wound harm damage
    die dead death kill
    help assist aid support
    protect defend guard safe save
    suggest recommend propose advise advice tip
    tell say urge explain
    decide decision choose
    discuss talk debate
    complain complaint
    respond answer reply participate
    refresh update
    automatic automated automatically itself
    work job function employment
    live reside inhabit stay
    occur happen take place
    find discover locate detect
    find describe discover
    receive get obtain
    reach arrive get
    leave depart go
    return back
    contain include consist hold
    contain have
    keep store preserve last
    cook prepare bake fry boil make
    dish meal food recipe
    stove cooker
    fridge refrigerator
    rubbish trash garbage waste
    autumn fall
    sick ill
    clever smart intelligent
    quiet silent
    loud noisy
    wet rain rainy
    weather rain sun wind snow storm cloud degree
    stair step
    lift elevator
    holiday vacation
    plane airplane aeroplane aircraft flight
    bike bicycle
    phone telephone
    tv television
    money dollar euro pound budget cash
    income revenue earning
    company firm business
    win victory winner champion
    beat defeat
    match game
    team side squad
    wood timber maple oak pine spruce
    forest wood
    sea ocean
    ground land soil ashore
    hill mountain
    rock stone
    sleep asleep snore
    walk hike march
    run race
    climb ascend
    hide hidden cover
    look watch see
    hear listen
    write author
    author writer
    speak talk
    visit see
    marry wife husband wedding
    mother mum mom
    father dad
    old age aged
    name call
    fee ticket entrance admission
    opening opened inaugurate
    visible see saw seen
    belong own owner
    free pay
    signal sound alarm blast
    cause because
    sing song
    band group
    close shut
    meet meeting assembly
    half middle
    announce say next
    harvest pick gather
    wealth rich
    poor poverty
    space room
    space spot
    left remain rest
    spend spent go went cost
    view viewpoint panorama
    learn teach
    enemy predator
    vote election
    carry transport
    head bound go
    travel go
    material made
    inside indoors
    outside outdoors
    give hand pass
    send mail post
    deep depth
    tall height high
    heavy weight weigh
    wide width broad
    far distance
    long length
    own belong have
    feed eat
    hear sound
    start off
    third 3
    second 2
    first 1
    fourth 4
    fifth 5
    sixth 6
    seventh 7
    eighth 8
    ninth 9
    tenth 10"""

_OPPOSITES = """\
    long short
    high low
    big small
    large little
    old young
    old new
    hot cold
    early late
    fast slow
    best worst
    cheap expensive
    first last
    north south
    east west
    left right
    northern southern
    eastern western
    indoor outdoor
    inside outside
    male female
    husband wife
    mother father
    brother sister
    son daughter
    man woman
    boy girl
    uncle aunt
    winner loser
    most least
    more less
    biggest smallest
    highest lowest
    longest shortest
    oldest youngest
    largest smallest
    summer winter
    spring autumn
    morning evening
    buy sell
    win lose"""

# Verbs and adjectives tell how things relate, which is said in many ways. A thing is mostly called what it is.
_RELATING = """\
    accept accuse achieve act add admit advise affect agree aim allow announce answer appear apply argue arrange
    arrive ask attack attend avoid base beat become begin behave believe belong blame boil born borrow bother break
    bring build burn buy call care carry catch cause change charge chase check choose claim clean clear climb close
    collect combine come compare compete complain complete concern conclude connect consider consist contain
    continue contribute control convince cook cool cost count cover crash create cross cry cut damage dance deal
    decide defeat defend deliver demand depend describe design destroy detect determine develop die differ direct
    disappear discover discuss divide do draw dream drink drive drop dry earn eat employ enable encourage end enjoy
    enter escape establish estimate examine exist expand expect experience explain explore express extend face fail
    fall feed feel fight fill finish fit fix flow fly fold follow forbid force forget forgive form found freeze fry
    function gain gather get give go grow guess guide handle hang happen harm hate head heal hear heat help hide hit
    hold hope hunt hurt identify ignore imagine improve include increase inform injure insist install intend
    introduce invade invent invest invite involve join judge jump justify keep kick kill know land last laugh lay
    lead leak learn leave lend let lie lift like limit link list listen live load locate look lose love maintain
    make manage manufacture marry matter mean measure meet melt mind miss mix move need notice obtain occur offer
    open operate oppose order organise organize owe own pack paint participate pass pay perform persuade pick place
    plan plant play point pour praise prefer prepare present prevent print produce promise propose protect prove
    provide publish pull push put raise reach react read realise realize receive recognise recognize recommend
    record reduce refer reflect refuse reject release rely remain remember remove repair repeat replace reply
    represent require rescue resist respond rest result return reveal ride ring rise roll rule run save score search
    see seem sell send separate serve set settle shake share shine shoot show shut sing sink sit sleep slide smell
    smile sound speak specialise spend spill split spread stand start stay steal stick stop store strike struggle
    study succeed suffer suggest suit supply support suppose surprise surround survive suspect swim take talk taste
    teach tear tell test thank think threaten throw tie touch train transport travel treat trust try turn understand
    use visit vote wait wake walk want warn wash waste watch wear win wish wonder work worry write able afraid alive
    allowed alone angry asleep available aware bad beautiful best better big bright broken busy calm careful cheap
    clever cold common correct dangerous dark dead deep different difficult dirty early easy empty enough exact
    excited expensive fair false famous far fast favourite final fine flat free frequent fresh full glad good great
    happy hard healthy heavy hidden high hot huge hungry ill important impossible interesting kind large late lazy
    likely little long loud low lucky main mild narrow near necessary nervous new nice noisy normal obvious old
    ordinary perfect pleased poor popular possible powerful pretty proud quick quiet rare ready real recent rich
    right rough round sad safe serious several shallow sharp short shy sick silent similar simple slow small smart
    smooth soft special steep strange strict strong stupid successful sudden suitable sweet tall terrible thick thin
    tight tired tiny true typical unusual urgent useful usual valuable warm weak wet wide wild wise wonderful worst
    worth wrong young longest shortest biggest smallest largest highest lowest fastest hardest easiest oldest
    youngest newest inside outside indoors outdoors upstairs downstairs abroad afterwards away apart together
    finally else instead again ago already"""

# Nouns so wide that what they stand for is mostly called something else.
_WIDE = """\
    thing something kind sort type way part place area item piece person people man woman number amount level rate
    result reason purpose goal idea fact detail step example case point problem issue question answer topic subject
    story name title product job task plan material ingredient tool instrument equipment device feature quality
    effect cause member board group set total maximum minimum most average size shape colour color beginning ending
    end start day date year month time hour moment plenty matter situation event activity action feeling advice
    character animal creature vehicle food drink object city town country state region language word brand model age
    gender viewer audience presenter host narrator speaker author student user visitor process order role percentage
    percent share degree side spot world home middle recipe weather dish meal sign slide caption video film
    clip lesson series entrance ones cloth"""


@cache
def _same() -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for line in _SAME.splitlines():
        terms = terms_of(line)
        for one in terms:
            found[one] = found.get(one, frozenset()) | (terms - {one})
    return found


@cache
def _opposites() -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for line in _OPPOSITES.splitlines():
        first, second = map(term, line.split())
        found[first] = found.get(first, frozenset()) | {second}
        found[second] = found.get(second, frozenset()) | {first}
    return found


@cache
def _relating() -> frozenset[str]:
    return terms_of(_RELATING)


@cache
def _wide() -> frozenset[str]:
    return terms_of(_WIDE)


def same_as(key: str) -> frozenset[str]:
    """Other words that mostly say the same."""
    return _same().get(key, frozenset())


def opposites_of(key: str) -> frozenset[str]:
    return _opposites().get(key, frozenset())


def is_relating(key: str) -> bool:
    """Whether it is a verb or an adjective, rather than what something is called."""
    return key in _relating()


def is_wide(key: str) -> bool:
    return key in _wide()
