"""Words whose exchange changes what a sentence says, in English, German, French and Spanish."""

from __future__ import annotations

_CLASSES = """
red blue green yellow black white orange purple/violet pink brown grey/gray gold/golden silver beige turquoise
rot/rote/roten/roter/rotes/rotem blau/blaue/blauen/blauer/blaues grün/grüne/grünen/grüner/grünes
 gelb/gelbe/gelben/gelber/gelbes schwarz/schwarze/schwarzen/schwarzer/schwarzes
 weiß/weiße/weißen/weißer/weißes/weiss/weisse braun/braune/braunen grau/graue/grauen rosa lila
rouge/rouges bleu/bleue/bleus/bleues vert/verte/verts/vertes jaune/jaunes noir/noire/noirs/noires
 blanc/blanche/blancs/blanches gris/grise rose/roses brun/brune marron
rojo/roja/rojos/rojas azul/azules verde/verdes amarillo/amarilla negro/negra/negros/negras
 blanco/blanca/blancos/blancas gris/grises marrón rosado/rosada morado/morada
monday tuesday wednesday thursday friday saturday sunday weekend
montag dienstag mittwoch donnerstag freitag samstag/sonnabend sonntag
lundi mardi mercredi jeudi vendredi samedi dimanche
lunes martes miércoles jueves viernes sábado domingo
january february march april may june july august september october november december
januar/jänner februar märz april mai juni juli august september oktober november dezember
janvier février mars avril mai juin juillet août septembre octobre novembre décembre
enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
spring summer autumn/fall winter
frühling sommer herbst winter
printemps été automne hiver
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
 eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion trillion
null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf zwanzig dreißig hundert tausend million
 milliarde
deux trois quatre cinq six sept huit neuf dix onze douze vingt trente cent mille million milliard
uno dos tres cuatro cinco seis siete ocho nueve diez once doce veinte treinta cien mil millón
first second third fourth fifth sixth seventh eighth ninth tenth last
erste/ersten/erster/erstes zweite/zweiten/zweiter dritte/dritten/dritter vierte/vierten letzte/letzten/letzter
premier/première deuxième/second/seconde troisième quatrième dernier/dernière
primero/primera/primer segundo/segunda tercero/tercera/tercer cuarto/cuarta último/última
once twice thrice
single double triple quadruple half quarter
halve double triple
english french german spanish italian portuguese dutch russian chinese/mandarin japanese korean arabic hindi
 turkish polish swedish danish norwegian finnish greek hebrew latin czech hungarian romanian ukrainian vietnamese
 thai indonesian swiss austrian american british canadian mexican brazilian indian irish scottish welsh
englisch/englische/englischen deutsch/deutsche/deutschen französisch/französische/französischen
 spanisch/spanische/spanischen italienisch/italienische portugiesisch russisch chinesisch japanisch türkisch
 polnisch niederländisch arabisch lateinisch schwedisch dänisch
anglais/anglaise allemand/allemande français/française espagnol/espagnole italien/italienne portugais russe
 chinois japonais arabe néerlandais polonais turc
inglés/inglesa alemán/alemana francés/francesa español/española italiano/italiana portugués ruso chino japonés
 árabe
python java javascript/js typescript/ts rust golang/go ruby php kotlin swift perl scala haskell sql bash
 powershell html css xml json yaml csv markdown lua julia matlab fortran cobol erlang elixir clojure toml
linux windows macos android ios ubuntu debian
postgres/postgresql mysql sqlite oracle mongodb redis
germany france spain italy portugal england russia china japan korea india turkey poland sweden norway denmark
 finland greece austria switzerland belgium netherlands/holland brazil mexico canada australia usa
on off
up down
upstairs downstairs
left right straight
right wrong
in out
inside outside
indoors outdoors
open/opens/opened/opening close/closes/closed/closing shut
start/starts/started/begin/begins/began stop/stops/stopped end/ends/ended finish pause resume continue restart
min/minimum/minimal max/maximum/maximal average/mean median
minimise/minimize maximise/maximize
smallest/lowest/least largest/biggest/highest/most/greatest
increase/increases/increased/increasing/increasingly
 decrease/decreases/decreased/decreasing/decreasingly/reduce/reduced/reduces
rise/rises/rose/rising fall/falls/fell/falling drop/drops/dropped
raise/raises/raised lower/lowers/lowered
ascending descending
before after during
above below at
over under
more less/fewer
many few several
bigger/larger/greater smaller
longer shorter
higher lower
big/large/huge small/little/tiny medium
long short
tall short
high low medium
hot cold warm cool
fast/quick slow
faster/quicker slower
early late
earlier later
earliest latest
old new
old young
older newer younger
good bad
better worse
best worst
true false
yes no maybe
correct incorrect
accept/accepts/accepted reject/rejects/rejected decline/declined refuse/refused
approve/approved reject/rejected deny/denied
allow/allows/allowed/permit/permitted forbid/forbidden/prohibit/prohibited deny/denies/denied block/blocked
enable/enables disable/disables
enabled disabled
activate/activated deactivate/deactivated
include/includes/included/including/inclusive exclude/excludes/excluded/excluding/exclusive
import/imports/imported export/exports/exported
input/inputs output/outputs
upload/uploads/uploaded download/downloads/downloaded
push/pushes/pushed pull/pulls/pulled
add/adds/added remove/removes/removed delete/deletes/deleted subtract
create/creates/created delete/deletes/deleted destroy/destroyed update/updates/updated
append prepend insert
buy/buys/bought/purchase/purchased sell/sells/sold rent/rents/rented
lend/lends/lent borrow/borrows/borrowed
send/sends/sent receive/receives/received
give/gives/gave/given take/takes/took/taken
win/wins/won lose/loses/lost draw/drew
got lost
find/finds/found lose/loses/lost
love/loves/loved hate/hates/hated like/likes/liked
arrive/arrives/arrived depart/departs/departed leave/leaves/left
arrival departure
enter/enters/entered exit/exits/exited leave/leaves/left
come/comes/came go/goes/went
remember/remembers/remembered forget/forgets/forgot
live/lives/lived die/dies/died
always never sometimes often rarely seldom
all none some any every each both either neither
everything nothing something anything
everyone/everybody nobody someone/somebody anyone/anybody
everywhere nowhere somewhere
with without
and or
must may should can
required/mandatory optional
today tomorrow yesterday
tonight yesterday tomorrow
morning afternoon evening night noon midnight
am pm
day/days week/weeks month/months year/years hour/hours minute/minutes second/seconds decade/decades
 century/centuries quarter/quarters
daily weekly monthly yearly/annually/annual hourly
north south east west northeast northwest southeast southwest
northern southern eastern western
male female
man woman
men women
boy girl
boys girls
mother/mom/mum father/dad
son daughter
brother sister
husband wife
uncle aunt
king queen
he she
his her
him her
mr mrs/ms
public private internal
internal external
positive negative neutral
optimistic pessimistic
encrypt/encrypts/encrypted decrypt/decrypts/decrypted
compress/compressed decompress/decompressed
encode/encoded decode/decoded
serialize serialise deserialize deserialise
lock/locks/locked unlock/unlocks/unlocked
connect/connects/connected disconnect/disconnects/disconnected
login logout
horizontal vertical
landscape portrait
row/rows column/columns
next previous
odd even
plus minus times
add multiply divide subtract
sum product difference quotient
numerator denominator
sender/senders receiver/receivers recipient/recipients
buyer seller
employer employee
client server
parent child
source target destination
pass/passes/passed fail/fails/failed
success/successful/successfully failure/unsuccessful/unsuccessfully
safe dangerous
alive dead
present absent
empty full
rich poor
strong weak
hard/difficult easy
hard soft
wet dry
dark light bright
loud quiet silent
cheap expensive
free paid
single married divorced
formal informal
simple complex/complicated
wide narrow
thick thin
heavy light
near far
deep shallow
clean dirty
guilty innocent
friend enemy
happy sad angry
fixed/working broken
upper lower
uppercase lowercase
public private protected
read write execute
get post put patch delete
debug info warning error critical fatal
urgent normal critical
mm cm m km
mg g kg t/ton/tons
ml cl l/liter/litre/liters/litres
inch/inches foot/feet yard/yards mile/miles
millimetre/millimetres/millimeter/millimeters centimetre/centimetres/centimeter/centimeters
 metre/metres/meter/meters kilometre/kilometres/kilometer/kilometers mile/miles
milligram/milligrams gram/grams kilogram/kilograms/kilo/kilos pound/pounds ounce/ounces tonne/tonnes
celsius fahrenheit kelvin
kb mb gb tb
hz khz mhz ghz
ms s min h
v kv mv
w kw mw kwh
euro/euros/eur dollar/dollars/usd pound/pounds/gbp yen/jpy franc/francs/chf rupee/rupees/inr yuan/cny cent/cents
percent permille
sentence/sentences paragraph/paragraphs word/words line/lines page/pages
credit debit
gross net
from to
for against
until since
vegetarian vegan
breakfast lunch dinner
car bus train plane bicycle/bike taxi ship
cat/cats dog/dogs
north south
an aus
ein aus
auf zu
auf unter über neben hinter vor
links rechts geradeaus
oben unten
innen außen
öffnen/öffne/öffnet/offen schließen/schließe/schließt/geschlossen
einschalten/eingeschaltet ausschalten/ausgeschaltet
anschalten abschalten
anfang ende
vor nach
mit ohne
und oder
immer nie/niemals manchmal oft selten
alle keine einige
alles nichts etwas
jeder niemand jemand
mehr weniger
größer/größte/größten kleiner/kleinste/kleinsten
groß/große/großen/großer/großes klein/kleine/kleinen/kleiner/kleines
lang/lange/langen/langer kurz/kurze/kurzen/kurzer
hoch/hohe/hohen niedrig/niedrige tief/tiefe
heiß/heiße kalt/kalte/kalten warm/warme
schnell/schnelle langsam/langsame
früh/früher spät/später
alt/alte/alten neu/neue/neuen jung/junge
gut/gute/guten schlecht/schlechte/schlechten
besser schlechter
richtig falsch
wahr falsch
ja nein
heute morgen gestern
steigt sinkt fällt
erhöhen/erhöht senken/gesenkt verringern/verringert
kaufen/kauft verkaufen/verkauft
herr frau
mann frau
minimum maximum
muss darf soll kann
männlich weiblich
tag woche monat jahr stunde minute sekunde
erlaubt verboten
an ab
ouvrir/ouvre/ouvert/ouverte fermer/ferme/fermé/fermée
allumer/allume/allumez éteindre/éteins/éteignez
gauche droite
haut bas
avant après
avec sans
et ou
toujours jamais parfois souvent
tout rien
tous aucun
plus moins
grand/grande/grands petit/petite/petits
long/longue court/courte
chaud/chaude froid/froide
rapide lent/lente
vrai faux
oui non
bon/bonne mauvais/mauvaise
aujourd'hui demain hier
matin soir midi nuit
jour semaine mois année heure minute
homme femme
monsieur madame
minimum maximum
abrir/abre/abierto cerrar/cierra/cerrado
encender/enciende/encienda apagar/apaga/apague
izquierda derecha
arriba abajo
antes después
con sin
siempre nunca
todo nada
todos nadie
más menos
grande/grandes pequeño/pequeña
largo/larga corto/corta
caliente frío/fría
rápido lento
verdadero falso
sí no
bueno/buena/buen malo/mala/mal
hoy mañana ayer
mínimo máximo
hombre mujer
señor señora
día semana mes año hora minuto
""".strip("\n").replace("\n ", " ")


def _senses() -> dict[str, dict[int, int]]:
    """For each word its place in every class that it is in."""
    senses: dict[str, dict[int, int]] = {}
    for number, line in enumerate(_CLASSES.split("\n")):
        for place, spellings in enumerate(line.split()):
            for word in spellings.split("/"):
                senses.setdefault(word, {}).setdefault(number, place)
    return senses


SENSES = _senses()
"""Word → {class: place}: two words with different places in one class say different things."""


def are_opposed(a: str, b: str) -> bool:
    """Whether two folded words exclude each other: on and off, red and blue, French and German."""
    senses_a, senses_b = SENSES.get(a), SENSES.get(b)
    if not senses_a or not senses_b:
        return False
    return any(senses_b.get(number, place) != place for number, place in senses_a.items())


_BEGINNINGS = (
    "un in im il ir dis non mis anti de under over pre post sub ver ent miss dés mal des re ab aus ein an vor nach"
)
_OPPOSED = """
in-de in-ex im-ex a-de max-min over-under pre-post up-down en-dis en-de ein-aus an-ab auf-zu for-back hyper-hypo
micro-macro milli-kilo centi-kilo milli-centi kilo-mega mega-giga giga-tera inner-outer homo-hetero mono-poly
sub-super ov-und on-off in-out left-right north-south east-west vor-nach inter-intra fore-after ante-post
"""
_TURNING = frozenset(
    [(beginning, "") for beginning in _BEGINNINGS.split()]
    + [(pair.partition("-")[0], pair.partition("-")[2]) for pair in _OPPOSED.split()]
)
"""Beginnings of words of which one turns the other round; ("un", "") is a beginning more."""

_TURNING_ENDS = frozenset(
    [("ful", "less"), ("er", "ee"), ("or", "ee"), ("voll", "los"), ("oso", "sin"), ("able", "ed"), ("ee", "ed")]
)


def is_turned_round(a: str, b: str) -> bool:
    """Whether one word is the other with a syllable that turns it: safe and unsafe, careful and careless."""
    if a[-2:] == b[-2:]:
        at = 2
        most = min(len(a), len(b))
        while at < most and a[-at - 1] == b[-at - 1]:
            at += 1
        head_a, head_b = a[:-at], b[:-at]
        return at > 2 and ((head_a, head_b) in _TURNING or (head_b, head_a) in _TURNING)
    if a[:3] == b[:3]:
        at = 3
        most = min(len(a), len(b))
        while at < most and a[at] == b[at]:
            at += 1
        return (a[at:], b[at:]) in _TURNING_ENDS or (b[at:], a[at:]) in _TURNING_ENDS
    return False
