"""Which English words are verbs and adjectives, and which nouns are mostly called something else.
Words are looked up by their terms (`shared.text.language.term`)."""

from __future__ import annotations

from functools import cache

from shared.text.language import terms_of

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
    function gain gather get give go grow guess guide handle hang harm hate head heal hear heat help hide hit
    hold hope hunt hurt identify ignore imagine improve include increase inform injure insist install intend
    introduce invade invent invest invite involve join judge jump justify keep kick kill know land last laugh lay
    lead leak learn leave lend let lie lift limit link list listen live load locate look lose love maintain
    make manage manufacture marry matter mean measure meet melt mind miss mix move need notice obtain offer
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
    allowed alone angry asleep available aware beautiful best better big bright broken busy calm careful cheap
    clever cold common correct dangerous dark dead deep different difficult dirty early easy empty enough exact
    excited expensive fair false famous far fast favourite final fine flat free frequent fresh full glad great
    happy hard healthy heavy hidden high hot huge hungry ill important impossible interesting kind large late lazy
    likely little long loud low lucky main mild narrow near necessary nervous new nice noisy normal obvious old
    ordinary perfect pleased poor popular possible powerful pretty proud quick quiet rare ready real recent rich
    right rough round sad safe serious several shallow sharp short shy sick silent similar simple slow small smart
    smooth soft special steep strange strict strong stupid successful sudden suitable sweet tall terrible thick thin
    tight tired tiny true typical unusual urgent useful usual valuable warm weak wet wide wild wise wonderful worst
    worth young longest shortest biggest smallest largest highest lowest fastest hardest easiest oldest
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
    clip lesson series entrance ones cloth price cost weight height depth width length temperature distance duration job
    music weather signal meeting wrong good bad happen occur like difference advantage disadvantage benefit"""


@cache
def _relating() -> frozenset[str]:
    return terms_of(_RELATING)


@cache
def _wide() -> frozenset[str]:
    return terms_of(_WIDE)


def is_relating(key: str) -> bool:
    """Whether it is a verb or an adjective, rather than what something is called."""
    return key in _relating()


def is_wide(key: str) -> bool:
    return key in _wide()
