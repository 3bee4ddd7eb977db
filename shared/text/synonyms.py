"""English words that mostly say the same, and opposites, as far as a small table can tell.
Words are looked up by their terms (`shared.text.language.term`)."""

from __future__ import annotations

from functools import cache

from shared.text.language import term, terms_of

_SAME = """\
    begin start open commence launch
    end finish stop close conclude over
    buy purchase order get
    sell trade buy
    cost price charge expensive pay fee worth
    big large huge enormous size giant
    small little tiny
    bigger larger greater
    biggest largest greatest
    smaller littler shorter
    hardest toughest
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
    automatic automation automated automate
    work job function employment
    live reside inhabit stay
    occur happen take place
    find discover locate detect
    find describe discover
    receive get obtain
    reach arrive get
    leave depart go leaf
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
    tenth 10
    finance fund sponsor pay donate
    wage salary pay earn
    import bring
    export sell
    labourer laborer navvy mason workforce worker
    doctor surgeon vet veterinarian veterinary
    helper assistant assist aide
    captain skipper
    farmer grower
    firefighter fireman
    policeman policewoman police officer
    salesman seller vendor
    profession occupation trade job career work
    illness disease infection
    operate operation surgery surgeon
    remedy cure heal treat treatment therapy medicine
    ill sick unwell
    hurry rush haste
    ingredient component
    dough batter mixture mix
    mix stir combine blend whisk
    slice cut chop dice
    flavour flavor taste season seasoning
    bread loaf
    fridge refrigerator cool
    pan pot saucepan casserole
    oven stove
    boil simmer
    chilli chili chilly
    dessert pudding sweet
    breakfast lunch dinner supper meal
    drink beverage
    cup mug glass
    bag sack
    box carton crate package
    bottom base underside
    top lid cover
    front forward ahead
    side edge
    rear back behind
    middle centre
    beneath underneath below under
    near close beside nearby next
    corner edge
    key button
    press push hit
    pull tug
    click tap select choose
    pick choose select
    insert plug put place
    place put set position lay
    attach fasten fix connect tie join
    remove take
    delete erase remove
    rotate turn spin
    lamp light bulb led
    flash blink
    screen display monitor
    computer laptop pc
    browser internet web online website site
    password passwort passcode
    wifi wireless network
    address url
    login sign log
    file document
    folder directory
    picture image photo
    setting option
    programme program software app application
    error bug problem
    gadget device equipment
    engine motor
    petrol gas gasoline fuel
    electric electricity electrical power
    truck lorry
    train railway rail railroad
    track rail line
    station stop
    harbour harbor port dock
    boat ship vessel ferry
    airport airfield
    passenger traveller rider commuter
    tourist visitor guest
    guest visitor
    ticket fare
    luggage baggage suitcase
    hotel inn hostel guesthouse
    pub bar tavern inn
    restaurant cafe
    castle fortress palace
    church chapel cathedral
    tower spire
    bridge span
    village town settlement hamlet
    valley gorge
    coast shore beach seaside
    lake pond
    river stream
    island isle
    storm gale tempest hurricane
    rain shower rainfall
    snow ice frost
    flood flooding overflow
    drought dry
    earthquake quake
    fire blaze burn
    accident crash collision
    rescue save
    soldier troops army
    war battle conflict
    king monarch ruler
    queen monarch ruler
    law rule regulation
    court judge trial
    crime theft robbery
    thief burglar robber
    jail prison
    president leader head
    government state
    council assembly parliament
    citizen inhabitant resident
    immigrant migrant
    refuse reject decline
    agree accept approve
    deny refuse
    demand ask require
    request ask
    question ask
    reply answer
    quarrel argue dispute
    promise pledge vow
    threaten warn
    warn caution beware
    forbid mustn't never not
    avoid never
    invent develop devise inventor
    design plan architect draw
    discover find
    found establish start set
    build erect construct
    destroy demolish ruin wreck
    break broke fail
    repair fix mend
    replace exchange swap change
    improve better
    grow raise cultivate
    grow increase rise
    shrink fall decrease decline drop
    decrease reduce lower
    double twice
    seed grain
    harvest crop yield
    plant sow
    dig excavate
    soil earth dirt ground
    fertilizer fertiliser compost manure
    insect bug
    pest vermin
    bird eagle gull owl
    puppy dog
    kitten cat
    calf cow
    lamb sheep
    foal horse
    nest den burrow
    hunt prey catch
    eat consume feed swallow
    bite chew
    drink sip
    smell scent odour odor
    taste flavour
    sight see view
    cloth fabric textile
    dress clothes clothing
    coat jacket
    shoe boot
    hat cap helmet
    jewel gem
    gold golden
    iron metal steel
    wool yarn
    paint colour
    brush paintbrush
    sculpture statue
    painting picture artwork
    drawing sketch
    exhibition show display
    museum gallery
    concert gig performance
    perform play
    dance ballet
    musician player
    composer compose write
    singer vocalist sing
    drum percussion
    book novel
    newspaper paper
    magazine journal
    letter mail
    lesson lecture class
    school academy college
    university college
    exam test
    homework assignment
    professor lecturer
    scientist researcher
    study research investigate
    experiment test trial
    measure gauge
    result outcome
    proof evidence
    theory hypothesis
    calculate compute
    equal same
    similar alike
    different differ
    percent percentage share
    average mean
    majority most
    minority few
    total sum
    amount quantity
    number figure
    maximum most highest
    minimum least lowest
    goal score point
    point score
    referee umpire
    coach trainer
    stadium arena
    tournament championship cup league
    medal prize award trophy
    award prize win
    opponent rival
    defeat loss
    draw tie
    jump leap
    throw toss
    kick shoot
    swim bathe
    exercise workout train
    muscle strength
    breath breathe
    heart pulse
    bone skeleton
    wound cut
    ache pain hurt
    tired exhausted weary
    rest relax break
    sleep nap rest
    wake rise up
    wash clean rinse
    sweep clean
    dirty filthy
    empty vacant
    full packed crowded
    crowded packed busy
    broken damaged
    strong powerful sturdy
    weak fragile
    soft smooth
    sharp pointed
    narrow thin
    broad wide
    steep slope gradient rise
    flat level
    round circular
    huge enormous giant
    tiny small
    quick fast
    slow gradual
    new modern recent
    ancient old
    early beginning
    late end
    famous known well-known
    unknown unfamiliar
    popular favourite loved
    favourite favorite best
    rare scarce unusual
    special unusual unique particular only first
    typical usual
    necessary essential vital
    important main key crucial
    possible can
    dangerous risk hazard
    safe secure
    rich wealthy
    poor needy
    cheap inexpensive
    expensive costly
    free gratis
    happy cheerful
    sad unhappy
    angry furious cross
    afraid scared fear
    surprise astonish
    proud pride
    love like adore
    hate dislike
    prefer favourite like
    hope wish
    believe think
    remember recall
    forget omit
    know aware
    explain describe
    mean stand signify
    recommend suggest
    advise tell
    order command
    permit allow
    force make compel
    stop halt
    continue go
    wait stay
    return come
    arrive come
    enter come go
    exit leave
    escape flee
    follow chase
    lead guide
    drive ride driver
    fly flight
    sail cruise
    park stop
    cross pass
    fall drop collapse
    collapse fall
    rise climb
    sink drown
    float swim
    shine glow
    ring sound
    knock hit
    hit strike beat
    cut slice
    tear rip
    fold bend
    wrap cover
    fill pour
    pour add
    add put
    spread smear
    sprinkle scatter
    serve eat
    serve dish
    store keep
    keep stay remain
    wear dress
    celebrate party
    birthday born
    born birth
    marry wedding
    retire stop quit
    quit resign leave
    hire employ
    fire dismiss
    earn make
    save spare
    owe debt
    borrow loan
    steal rob
    waste rubbish
    recycle reuse
    pollute pollution
    weekly week
    daily day
    monthly month
    annual year yearly
    midday noon
    dawn sunrise
    dusk sunset
    evening night
    morning breakfast
    weekend saturday sunday
    plan intend want"""

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
    win lose"""


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


def same_as(key: str) -> frozenset[str]:
    """Other words that mostly say the same."""
    return _same().get(key, frozenset())


def opposites_of(key: str) -> frozenset[str]:
    return _opposites().get(key, frozenset())
