"""What English nouns are kinds of, as far as a small table can tell.
Words are looked up by their terms (`shared.text.language.term`)."""

from __future__ import annotations

from functools import cache

from shared.text.language import term, terms_of

# What belongs to a noun so wide that mostly its members are named instead: the first word stands for the others.
_MEMBERS = """\
    spice cumin pepper cinnamon paprika chilli turmeric ginger nutmeg clove saffron cardamom coriander salt vanilla
    herb basil thyme rosemary parsley mint oregano sage dill chive coriander
    vegetable carrot onion potato tomato spinach cabbage bean pea leek garlic radish lettuce broccoli cucumber pumpkin
    fruit apple pear plum cherry lemon lime orange banana grape peach strawberry raspberry fig mango
    drink coffee tea water juice milk beer wine lemonade cocoa
    meat beef pork lamb chicken veal bacon ham sausage
    nut almond walnut hazelnut peanut cashew pistachio
    cheese parmesan cheddar mozzarella feta
    flour wheat rye spelt
    instrument guitar violin piano drum flute trumpet cello accordion harp organ clarinet saxophone bass
    music jazz fado rock folk opera tango blues waltz
    animal dog cat horse cow sheep goat pig donkey fox bear wolf deer rabbit hare mouse rat squirrel marmot ibex lion
    animal tiger elephant monkey bat owl eagle bird fish whale dolphin seal turtle frog snake bee lamb
    bird eagle owl gull duck goose swan crow raven robin sparrow stork heron parrot penguin puffin
    fish salmon trout cod tuna herring eel carp shark
    insect bee wasp ant butterfly moth beetle fly mosquito
    tree oak pine maple spruce beech birch willow ash fir larch apple olive
    wood oak pine maple spruce beech birch walnut ash larch cedar
    flower rose tulip daisy lily sunflower orchid poppy
    metal iron steel copper gold silver tin lead bronze titanium aluminium brass
    material wood glass plastic leather wool cotton linen stone clay paper silk concrete marble canvas
    material ice rock foam rubber velvet cotton brick mud gas dust cardboard wax metal
    vehicle car bus truck lorry tram train bicycle motorcycle van tractor boat ship ferry plane
    tool hammer saw knife screwdriver chisel drill axe plane spade brush file plier
    furniture chair table bed sofa shelf cupboard desk
    clothes shirt coat jacket trousers dress hat shoe boot scarf glove
    weather rain sun wind snow storm cloud fog frost gale sunny windy rainy
    season spring summer autumn winter
    day monday tuesday wednesday thursday friday saturday sunday
    month january february march april may june july august september october november december
    country germany poland kenya jamaica nigeria canada france italy spain portugal england scotland ireland
    country wales norway sweden denmark finland iceland austria switzerland greece turkey
    country egypt india china japan brazil mexico
    city london paris berlin rome madrid lisbon vienna prague munich hamburg geneva oslo stockholm
    language english french german spanish italian latin greek arabic chinese japanese russian
    sport football tennis hockey swimming rowing cycling running skiing boxing rugby cricket golf
    disease flu measles malaria cholera cancer plague
    organ heart lung liver kidney brain stomach
    relative mother father brother sister uncle aunt cousin son daughter grandmother grandfather wife husband
    planet mercury venus earth mars jupiter saturn uranus neptune
    shape round square triangle circle oval
    building house church tower castle hotel school station factory barn mill bakery
    subject math maths physics chemistry biology history geography art
    body head hand arm leg foot knee shoulder back eye ear"""


@cache
def _members() -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for line in _MEMBERS.splitlines():
        whole, *members = line.split()
        found[term(whole)] = found.get(term(whole), frozenset()) | terms_of(" ".join(members))
    return found


def members_of(key: str) -> frozenset[str]:
    """What is one of its kind, and so may be named where the kind is asked for."""
    named = _members().get(key, frozenset())
    # Wood is a material, and oak a wood.
    return named.union(*(_members().get(member, frozenset()) for member in named))
