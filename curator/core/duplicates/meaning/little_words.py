"""Small words, by what they do in a sentence, in English, German, French and Spanish."""

from __future__ import annotations

from collections.abc import Sequence

NEGATIONS = frozenset(
    """
    not no never none nothing nobody nowhere neither nor without cannot can't don't doesn't didn't won't
    wouldn't isn't aren't wasn't weren't shouldn't couldn't mustn't hasn't haven't hadn't ain't dont doesnt
    didnt cant wont isnt hardly barely except unless nicht kein keine keinen keinem keiner keines nie niemals
    nichts niemand nirgends ohne außer weder kaum pas ne non jamais rien personne sans aucun aucune ni sauf
    guère n nunca nada nadie sin ningún ninguna ninguno jamás tampoco excepto
    nigdy bez nikt nic değil yok nessuno senza niente não nunca sem nenhum niet geen nooit zonder niemand
    inte aldrig ingen utan ikke ingen uten uden не нет нельзя никогда никто ничего без ни ні δεν μην όχι χωρίς
    לא אין בלי لا لم لن ليس بدون غير नहीं मत बिना 不 没 沒 無 无 别 未 안 않 못 없이
    """.split()  # noqa: SIM905 - words are read more easily in lines
)
"""One more or one less of these reverses a sentence. Those of other languages stand in the last lines."""

DENIALS = NEGATIONS - frozenset(
    """
    without except unless nor neither hardly barely no ohne außer weder sans ni sauf non sin excepto senza sem bez
    zonder utan uten uden без ни ні χωρίς בלי بدون बिना 없이 n ne pas
    """.split()  # noqa: SIM905 - words are read more easily in lines
)
"""Those in whose place another word is no mere damage: not and gladly, never and today."""

_GROUPS = """
a an the
the this these
the that those
is are am
was were
be been being
do does
did
has have
had
will shall
would
could can
may might
should
i
it
its
me
my
you
your
we
our
us
they
them
their
he
she
his
him
her
there
here
then than so
and but
too also
just only
really very quite rather pretty much
even still already again
now well
oh ah um
please kindly
thanks thank
hi hello hey dear
possibly maybe perhaps probably
simply actually basically
at
by
as
on upon
of
in
to
for
with
from
into
onto
about
over
up
out
who whom that
which that
what
whose
when
where
how
why
if whether
some any such
ever

der die das den dem des ein eine einen einem einer eines
ist sind
war waren
sei
bin bist
hat haben hast habe
hatte hatten
wird werden
wurde wurden
es
ich
du
er
sie
wir
ihr
mir mich
dir dich
uns
euch
mein meine meinen meinem meiner
dein deine deinen deinem deiner
sein seine seinen seinem seiner
und aber
auch
nur
noch schon
sehr ganz recht
doch mal ja eben halt wohl denn
bitte danke
hallo
dann da
hier dort
nun jetzt
etwa vielleicht
eigentlich einfach
von vom
zum zur zu
im in
als wie
wer
wo
wann
warum
für
bei beim
dass daß

le la les l un une de d du des
à au aux
est sont
était étaient
suis
ai ont as avons avez
je j
tu
il
elle
nous
vous
ils
elles
te
se
ce c cet cette ces
mon ma mes
ton ta tes
son sa ses
notre nos
votre vos
leur leurs
et mais
aussi
très bien
donc alors puis
ici là
s'il plaît
merci
bonjour salut
que qu
qui
quoi
dont
où
quand
comment
pour
par
en
y

el la los las lo una unos unas al del de
era
soy eres está están es son
ha han
yo
tú
él
ella
ello
nosotros
vosotros
ellos
ellas
mi mis
tus
su sus
e y pero
también
muy
pues entonces
aquí allí
por
favor
gracias
hola
qué que
quién quien
cómo como
cuándo cuando
donde dónde
para
ya
"""


def _groups() -> dict[str, frozenset[int]]:
    """For each small word the lines in which it stands."""
    groups: dict[str, set[int]] = {}
    for number, line in enumerate(_GROUPS.split("\n")):
        for word in line.split():
            groups.setdefault(word, set()).add(number)
    return {word: frozenset(numbers) for word, numbers in groups.items()}


LITTLE_WORDS = _groups()
"""Articles, pronouns, prepositions, fillers, courtesies; two that share a line say the same."""


def _languages() -> dict[str, int]:
    """For each small word its languages, a bit for each."""
    bits: dict[str, int] = {}
    for number, block in enumerate(_GROUPS.split("\n\n")):
        for word in block.split():
            bits[word] = bits.get(word, 0) | 1 << number
    return bits


_LANGUAGES = _languages()

FILLERS = frozenset(
    """
    a an the that of to and but is are am do does it i you he she we they possibly much then than so too
    also just really very quite rather pretty even still already again now well oh ah um please kindly
    thanks thank hi hello hey dear simply actually basically some der die das den dem des ein eine einen
    einem einer eines ich du er wir und aber auch noch schon sehr ganz recht doch mal ja eben halt wohl denn
    bitte danke hallo dann da nun jetzt eigentlich einfach dass daß le la les l un une de d du des et mais
    aussi très bien donc alors puis s'il plaît merci bonjour salut que qu el los las lo una unos unas al del
    e y pero también muy pues entonces favor gracias hola ya
    """.split()  # noqa: SIM905 - words are read more easily in lines
)
"""Small words that may come and go, or be damaged, and the sentence still says the same."""

SUBJECTS = frozenset(
    (
        "i",
        "you",
        "he",
        "she",
        "we",
        "they",
        "ich",
        "du",
        "er",
        "sie",
        "wir",
        "ihr",
        "je",
        "tu",
        "il",
        "elle",
        "nous",
    )
    + ("vous", "yo", "tú", "él", "ella")
)
"""Words of which one that stands elsewhere makes a question of a sentence, or changes what is limited."""

_COURTESIES = tuple(
    tuple(line.split())
    for line in (
        "can you",
        "could you",
        "would you",
        "will you",
        "thank you",
        "s'il vous plaît",
        "s'il te plaît",
        "pouvez vous",
        "por favor",
        "könntest du",
        "kannst du",
        "können sie",
    )
)

_NAMING = frozenset(
    """
    i it its me my you your we our us they them their he she his him her only ever possibly maybe perhaps
    probably some any such whose this these those es ich du er sie wir ihr mir mich dir dich uns euch mein
    meine meinen meinem meiner dein deine deinen deinem deiner sein seine seinen seinem seiner nur etwa
    vielleicht je j tu il elle nous vous ils elles te ce c cet cette ces mon ma mes ton ta tes son sa ses
    notre nos votre vos leur leurs yo tú él ella ello nosotros vosotros ellos ellas mi mis tus su sus
    """.split()  # noqa: SIM905 - words are read more easily in lines
)
"""Small words in whose place a name, a noun or an adjective may stand."""

_JOINING = frozenset(
    """
    before after until till since under above below behind beside besides between among through across along
    around near opposite despite during within against toward towards via per past beyond inside outside off
    because although while whenever wherever however therefore else instead
    ab seit bis gegen unter über neben hinter zwischen während wegen trotz weil obwohl sobald bevor nachdem
    avant après depuis jusque sous sur entre pendant contre malgré parce
    antes después desde hasta bajo sobre durante contra porque aunque mientras
    """.split()  # noqa: SIM905 - words are read more easily in lines
)

STRUCTURE = (LITTLE_WORDS.keys() - _NAMING) | _JOINING
"""Words that join others. One of these in another's place says something else; a noun there is mere damage."""

ROLE_WORDS = _JOINING | frozenset(
    """
    every each all few many most several both one certainly definitely surely nearly almost exactly roughly
    approximately soon together alone once twice always often sometimes rarely mostly mainly partly fully half
    jeder jede alle viele wenige chaque tous toutes plusieurs cada todos todas varios
    """.split()  # noqa: SIM905 - words are read more easily in lines
)
"""Words that say how the others belong together, or how many there are, whatever they end in."""

HAVING = frozenset(("has", "have", "had", "does", "did", "hat", "hatte"))
"""Words in whose place another verb may stand."""

ADJECTIVES_IN_LY = frozenset(
    """
    friendly unfriendly likely unlikely early daily weekly monthly yearly hourly lovely lonely ugly silly holy
    elderly costly deadly orderly lively cowardly scholarly worldly earthly heavenly motherly fatherly brotherly
    only family supply reply apply fly rely italy july assembly anomaly bully jelly belly rally tally ally
    """.split()  # noqa: SIM905 - words are read more easily in lines
)

ABBREVIATIONS = frozenset(
    """
    who aids ram pin sat led act arm gas ice map pet sad tip fat dot con art mad sars
    """.split()  # noqa: SIM905 - words are read more easily in lines
)
"""Longer abbreviations that are other words in small letters; of two letters each may be one."""

DIRECTIVES = frozenset(
    """
    do don't dont never always only also use keep make ensure answer reply respond be avoid limit format
    return output add include exclude translate ignore stop speak act pretend assume remember sound
    nur antworte verwende benutze schreibe vermeide niemals immer sprich
    réponds répondez utilise utilisez écris écrivez évite évitez responda responde usa escribe evita
    however but unfortunately actually except otherwise instead leider allerdings aber cependant mais
    malheureusement pero sin lamentablemente
    """.split()  # noqa: SIM905 - words are read more easily in lines
)
"""Words that begin an instruction, or take back what was said."""

TELLING = (
    "i am ", "i have ", "i was ", "i live ", "i need ", "my name is", "the user is", "you must ", "you may ",
    "you are ", "it must ", "it should ", "all of ", "none of ", "that was ", "this is ", "this was ", "that is ",
    "write as ",
)  # fmt: skip
"""Words that begin a sentence by which another answer may be asked for, or another one given."""


def are_of_one_language(x: str, y: str) -> bool:
    """Whether two words are small words of one language: the and die are not."""
    return bool(_LANGUAGES.get(x, 0) & _LANGUAGES.get(y, 0))


def says_another(x: str, y: str) -> bool:
    """Whether two small words do not say the same in each other's place: on and under, my and your."""
    return not LITTLE_WORDS[x] & LITTLE_WORDS[y]


def weighty(words: Sequence[str]) -> list[str]:
    """The small words among some that do not come and go without a change of meaning, courtesies left out."""
    small = [word for word in words if word in LITTLE_WORDS]
    for courtesy in _COURTESIES:
        if all(word in small for word in courtesy):
            small = [word for word in small if word not in courtesy]
    return [word for word in small if word not in FILLERS]
