"""Small words, by what they do in a sentence, in English, German, French and Spanish."""

from __future__ import annotations

NEGATIONS = frozenset(
    """
    not no never none nothing nobody nowhere neither nor without cannot can't don't doesn't didn't won't
    wouldn't isn't aren't wasn't weren't shouldn't couldn't mustn't hasn't haven't hadn't ain't dont doesnt
    didnt cant wont isnt hardly barely except unless nicht kein keine keinen keinem keiner keines nie niemals
    nichts niemand nirgends ohne außer weder kaum pas ne non jamais rien personne sans aucun aucune ni sauf
    guère n nunca nada nadie sin ningún ninguna ninguno jamás tampoco excepto
    """.split()  # noqa: SIM905 - words are read more easily in lines
)
"""One more or one less of these turns a sentence round."""

LITTLE_WORDS = frozenset(
    """
    ever i'd you'd he'd she'd it'd we'd they'd we're they're we've they've you'll he'll she'll we'll they'll
    he's she's that's there's what's let's who's a an the this that these those is are am was were be been
    being do does did has have had will would shall it its i i'm i'll i've you you're your my me we our us
    they them their he she his her him there here then than so and but too also just only really very quite
    rather pretty much even still already again now well oh ah um please kindly thanks thank hi hello hey dear
    possibly maybe perhaps probably simply actually basically of at by as on in to for with from into onto
    about over like which who whom whose what when where how why if could can may might should up out some any
    such let lets get got one ones own next der die das den dem des ein eine einen einem einer
    eines ist sind war waren sei bin bist hat haben hatte wird werden wurde es ich du er sie wir ihr mir mich
    dir dich uns euch mein meine dein deine sein seine und aber auch nur noch schon sehr ganz recht doch mal
    ja bitte danke hallo dann denn da hier dort nun jetzt eben halt wohl etwa vielleicht eigentlich einfach
    von zum zur im als wie wer wo wann warum für bei dass daß le la les l un une de d à au aux est sont était
    suis ai ont je j tu il elle nous vous ils elles te se ce c cet cette ces mon ma mes ton ta tes son sa ses
    notre votre leur leurs et mais aussi très bien donc alors puis ici là s'il plaît merci bonjour salut que
    qu qui quoi dont où quand comment pour par en y el los las lo una unos unas al del era soy eres está están
    ha han yo tú él ella ello nosotros vosotros ellos ellas mi mis tus su sus e pero también muy pues entonces
    aquí allí por favor gracias hola qué quien quién como cómo cuando cuándo donde dónde para ya
    """.split()  # noqa: SIM905 - words are read more easily in lines
)
"""Words that come and without changing what is said: articles, pronouns, fillers, courtesies."""

ABBREVIATIONS = frozenset(
    """
    who aids ram pin sat led act arm gas ice map pet sad tip fat dot con art mad sars
    """.split()  # noqa: SIM905 - words are read more easily in lines
)
"""Longer abbreviations that are other words in small letters; of two letters each may be one."""

LIMITS = frozenset(("only", "nur", "ausschließlich", "seulement", "uniquement", "solo", "sólo", "solamente"))
"""Words that restrict what is said where they are added."""

DIRECTIVES = frozenset(
    """
    do don't dont never always only also use keep make ensure answer reply respond be avoid limit format
    return output add include exclude translate ignore stop nur antworte verwende benutze schreibe vermeide
    niemals immer réponds répondez utilise utilisez écris évite responde responda usa escribe evita
    """.split()  # noqa: SIM905 - words are read more easily in lines
)
"""Words that begin an instruction."""
