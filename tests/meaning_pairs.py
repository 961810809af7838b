# ruff: noqa: E501 - a pair stands on one line
"""Pairs of examples that look alike and differ in meaning, by kind, and pairs that say the same.

`make_pairs()` fills frames with words; every pair of it is two examples that must both stay. `make_copies()` gives
pairs of which one may go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

Json = Any

ANSWERS = (
    "Done.",
    "Sure, I will take care of it right away and tell you as soon as it is finished.",
    "I can only help with questions about our coffee machines. Is there something about yours that I can do for you?",
)
LONG = (
    "The committee met in the old town hall to talk about the plans for the coming season. After a short welcome the "
    "chair read the minutes, which were accepted. Several members then described what had been built since the last "
    "meeting and what it had cost. {} The meeting closed with thanks to all who had helped with the preparations, "
    "and with an invitation to the garden party of the neighbours."
)


class Pair(NamedTuple):
    """Two examples and what sets them apart."""

    kind: str
    a: Json
    b: Json


def chat(user: str, answer: str, system: str | None = None) -> Json:
    """A chat of one question."""
    head = [{"role": "system", "content": system}] if system else []
    return {"messages": [*head, {"role": "user", "content": user}, {"role": "assistant", "content": answer}]}


PROMPTS: dict[str, list[tuple[str, str]]] = {
    "negation": [
        (
            "You may share this report with our partners abroad.",
            "You may not share this report with our partners abroad.",
        ),
        (
            "The valve must be opened before the pump is started.",
            "The valve must never be opened before the pump is started.",
        ),
        ("Did anybody tell the tenants about the repairs?", "Did nobody tell the tenants about the repairs?"),
        (
            "She can come to the meeting on behalf of the team.",
            "She can't come to the meeting on behalf of the team.",
        ),
        (
            "Order the parts with a receipt for the workshop.",
            "Order the parts without a receipt for the workshop.",
        ),
        ("Der Patient verträgt das Mittel am Abend gut.", "Der Patient verträgt das Mittel am Abend nicht gut."),
        (
            "Wir haben eine Lösung für diesen Fehler gefunden.",
            "Wir haben keine Lösung für diesen Fehler gefunden.",
        ),
        ("Bitte liefern Sie die Ware mit Rechnung an uns.", "Bitte liefern Sie die Ware ohne Rechnung an uns."),
        (
            "Le contrat est valable dans tous les pays voisins.",
            "Le contrat n'est pas valable dans tous les pays voisins.",
        ),
        ("Je veux recevoir vos offres par la poste.", "Je ne veux plus recevoir vos offres par la poste."),
        ("El pedido llegó a tiempo a nuestra tienda.", "El pedido no llegó a tiempo a nuestra tienda."),
        (
            "Siempre cerramos la puerta del almacén por la noche.",
            "Nunca cerramos la puerta del almacén por la noche.",
        ),
        ("The food was safe to eat after two days outside.", "The food was unsafe to eat after two days outside."),
        (
            "It is possible to return the shoes after the sale.",
            "It is impossible to return the shoes after the sale.",
        ),
        (
            "The answer of the clerk was helpful to the visitors.",
            "The answer of the clerk was unhelpful to the visitors.",
        ),
        (
            "The driver was careful on the icy road last night.",
            "The driver was careless on the icy road last night.",
        ),
        ("これは食べてもいいです。", "これは食べてはいけません。"),
        ("Everyone in the office agreed with the new rule.", "No one in the office agreed with the new rule."),
    ],
    "number": [
        ("Give the child 5 ml of the syrup in the evening.", "Give the child 15 ml of the syrup in the evening."),
        (
            "The invoice of May comes to 1,250.00 euros in total.",
            "The invoice of May comes to 12,500.00 euros in total.",
        ),
        (
            "Our flight leaves at 17:35 from the second terminal.",
            "Our flight leaves at 13:57 from the second terminal.",
        ),
        ("Set the oven to 180 degrees and bake for an hour.", "Set the oven to 220 degrees and bake for an hour."),
        (
            "Call me back at extension 4412 before the weekend.",
            "Call me back at extension 4421 before the weekend.",
        ),
        ("We need twelve chairs for the hall on Saturday.", "We need twenty chairs for the hall on Saturday."),
        ("Wir brauchen drei Betten für die Nacht im Hotel.", "Wir brauchen vier Betten für die Nacht im Hotel."),
        (
            "La réunion commence à neuf heures dans la grande salle.",
            "La réunion commence à onze heures dans la grande salle.",
        ),
        ("Necesito cinco copias de la llave del garaje.", "Necesito siete copias de la llave del garaje."),
        (
            "The temperature fell to -5 degrees during the night.",
            "The temperature fell to 5 degrees during the night.",
        ),
        (
            "Version 2.1 of the library fixes the memory leak.",
            "Version 2.10 of the library fixes the memory leak.",
        ),
        ("What is 3² plus the number of days in a week?", "What is 3³ plus the number of days in a week?"),
        ("He finished first in the race along the river.", "He finished third in the race along the river."),
        ("Take half of the tablet with a glass of water.", "Take double of the tablet with a glass of water."),
    ],
    "sign": [
        ("What does C++ need to build this small program?", "What does C# need to build this small program?"),
        ("Is 7 > 3 true in this language of ours?", "Is 7 < 3 true in this language of ours?"),
        ("Compute 12 + 4 and explain each step to me.", "Compute 12 - 4 and explain each step to me."),
        ("Is a && b the same as b for all values?", "Is a || b the same as b for all values?"),
        ("The part costs $40 at the shop on the corner.", "The part costs €40 at the shop on the corner."),
        ("The tax on it rose by 3 % over the winter.", "The tax on it rose by 3 € over the winter."),
        ("Does x == y hold after the loop has ended?", "Does x != y hold after the loop has ended?"),
        ("I feel 😀 about the party that we had yesterday", "I feel 😢 about the party that we had yesterday"),
        ("Rate my cooking of tonight: 👍 or what do you say", "Rate my cooking of tonight: 👎 or what do you say"),
        ("You are coming to the game with us tonight?", "You are coming to the game with us tonight!"),
        ("Thank you for the flowers :-) they are on my desk", "Thank you for the flowers :-( they are on my desk"),
        ("Where is the file foo_bar in this old project?", "Where is the file foo-bar in this old project?"),
        ("Use the path a/b for the output of the build", "Use the path a\\b for the output of the build"),
        ("Name the symbol for 20 °C on the display", "Name the symbol for 20 °F on the display"),
        ("Sort the list x = [1, 2] and print it for me", "Sort the list x = (1, 2) and print it for me"),
    ],
    "opposite": [
        ("Turn the heating in the bathroom on before six.", "Turn the heating in the bathroom off before six."),
        (
            "Return the largest value of every column in the table.",
            "Return the smallest value of every column in the table.",
        ),
        (
            "Sort the customers in ascending order of their turnover.",
            "Sort the customers in descending order of their turnover.",
        ),
        ("Encrypt the message with the key that I sent you.", "Decrypt the message with the key that I sent you."),
        (
            "Enable the firewall on all machines of the office.",
            "Disable the firewall on all machines of the office.",
        ),
        ("Turn left at the church and follow the river.", "Turn right at the church and follow the river."),
        (
            "The stock rose sharply after the news of the merger.",
            "The stock fell sharply after the news of the merger.",
        ),
        (
            "Import the contacts of my old phone into the list.",
            "Export the contacts of my old phone into the list.",
        ),
        ("I want to buy a flat in the centre of town.", "I want to sell a flat in the centre of town."),
        ("Send the parcel before the holidays if you can.", "Send the parcel after the holidays if you can."),
        (
            "The new rule was accepted by the members last week.",
            "The new rule was rejected by the members last week.",
        ),
        ("The employer has to sign the form in two places.", "The employee has to sign the form in two places."),
        (
            "Increase the brightness of the lamp over the table.",
            "Decrease the brightness of the lamp over the table.",
        ),
        ("Upload the pictures of the trip to the server.", "Download the pictures of the trip to the server."),
        (
            "Schalte das Licht im Flur bitte ein, wenn ich komme.",
            "Schalte das Licht im Flur bitte aus, wenn ich komme.",
        ),
        ("Öffne das Fenster in der Küche am Morgen.", "Schließe das Fenster in der Küche am Morgen."),
        ("Das ist der größte Fehler in unserem Bericht.", "Das ist der kleinste Fehler in unserem Bericht."),
        ("Ouvre la fenêtre de la cuisine avant de partir.", "Ferme la fenêtre de la cuisine avant de partir."),
        ("Tournez à gauche après le pont de pierre.", "Tournez à droite après le pont de pierre."),
        ("Enciende la luz del pasillo cuando yo llegue.", "Apaga la luz del pasillo cuando yo llegue."),
        ("Gira a la izquierda después del puente viejo.", "Gira a la derecha después del puente viejo."),
        ("Is the shop open on the day of the parade?", "Is the shop closed on the day of the parade?"),
        ("My mother loves the garden behind our house.", "My mother hates the garden behind our house."),
        ("Write a formal letter to the owner of the flat.", "Write an informal letter to the owner of the flat."),
        ("He passed the exam at the end of the summer.", "He failed the exam at the end of the summer."),
        ("Minimise the cost of the route through the hills.", "Maximise the cost of the route through the hills."),
        ("Is the claim of the witness in this text true?", "Is the claim of the witness in this text false?"),
        ("The door of the vault was locked at midnight.", "The door of the vault was unlocked at midnight."),
        ("Take the lift up to the office of the notary.", "Take the lift down to the office of the notary."),
    ],
    "kind": [
        ("Paint the fence of the garden red this spring.", "Paint the fence of the garden blue this spring."),
        ("Translate this letter into French for the client.", "Translate this letter into German for the client."),
        ("Write the function in Python with a short test.", "Write the function in Rust with a short test."),
        ("The bakery is shut on Tuesday during the winter.", "The bakery is shut on Thursday during the winter."),
        ("The course begins in June at the evening school.", "The course begins in July at the evening school."),
        ("The room is three metres long and not heated.", "The room is three feet long and not heated."),
        ("Weigh 40 grams of flour for the little cake.", "Weigh 40 ounces of flour for the little cake."),
        ("Remind me today of the call with the dentist.", "Remind me tomorrow of the call with the dentist."),
        (
            "The storm comes from the north, say the fishermen.",
            "The storm comes from the south, say the fishermen.",
        ),
        ("Answer this in one sentence for the newsletter.", "Answer this in one paragraph for the newsletter."),
        ("Streiche die Wand im Flur bitte rot und weiß.", "Streiche die Wand im Flur bitte blau und weiß."),
        ("Übersetze den Brief ins Englische für den Kunden.", "Übersetze den Brief ins Spanische für den Kunden."),
        ("Le magasin est fermé le lundi pendant l'été.", "Le magasin est fermé le mardi pendant l'été."),
        ("La tienda cierra los lunes durante el verano.", "La tienda cierra los jueves durante el verano."),
        ("Book the morning train to the coast for us.", "Book the evening train to the coast for us."),
        ("Is my brother allowed to sign this form for me?", "Is my sister allowed to sign this form for me?"),
    ],
    "name": [
        (
            "My flight from Oslo to Paris was cancelled, what now?",
            "My flight from Paris to Oslo was cancelled, what now?",
        ),
        (
            "Please ask Miriam to send the contract to the bank.",
            "Please ask Gustav to send the contract to the bank.",
        ),
        ("What is the weather like in Lisbon in the winter?", "What is the weather like in Warsaw in the winter?"),
        ("How old was Mozart when he wrote his first opera?", "How old was Verdi when he wrote his first opera?"),
        ("The dog bit the man who came with the letters.", "The man bit the dog who came with the letters."),
        ("Who is the owner of Contoso in this old report?", "Who is the owner of Fabrikam in this old report?"),
        ("Wie komme ich von Köln mit dem Zug nach Hause?", "Wie komme ich von Mainz mit dem Zug nach Hause?"),
        ("Tell Anna that the car is in the garage again.", "Tell Peter that the car is in the garage again."),
    ],
    "question": [
        ("Where is my order?", "Where is my invoice?"),
        ("What is the capital of Peru?", "What is the capital of Chile?"),
        ("My invoice is wrong", "Screen is black"),
        ("Can cats eat raw fish?", "Can dogs eat raw fish?"),
        ("How do I clean the kettle?", "How do I repair the kettle?"),
        ("Cancel my subscription", "Renew my subscription"),
        (
            "Is aspirin bad for my kidneys when I take it daily?",
            "Is aspirin bad for my liver when I take it daily?",
        ),
        ("What is the refund policy for opened items?", "What is the delivery time for large items?"),
        ("Wie wechsle ich den Reifen?", "Wie wechsle ich das Öl?"),
        ("Où est la gare ?", "Où est la mairie ?"),
        (
            "Book a table for two at the Thai place near the station.",
            "Book a table for two at the steak place near the station.",
        ),
        ("résumé", "resume"),
        ("US", "us"),
        ("Really!", "Really?"),
        ("No. Stop!", "No stop"),
        ("Write a poem about the sea. Do not use any rhymes at all in it.", "Write a poem about the sea."),
    ],
    "code": [
        ("Fix:\nif a:\n    b()\n    c()", "Fix:\nif a:\n    b()\nc()"),
        ("SELECT Name FROM users WHERE id = 4", "select name from Users where ID = 4"),
        (
            "Explain this:\n```python\nfor i in range(10):\n    print(i)\n```",
            "Explain this:\n```python\nfor i in range(11):\n    print(i)\n```",
        ),
        ("Explain this:\n```python\nx = a and b\n```", "Explain this:\n```python\nx = a or b\n```"),
        ("What does `rm -r build` do in the shell?", "What does `rm -i build` do in the shell?"),
        ("def add(a, b):\n    return a + b", "def add(a, b):\n    return a * b"),
        ("let total = price;", "let Total = price;"),
        ("print('a')", "print('A')"),
        ("x = foo(y)\nreturn x", "x = bar(y)\nreturn x"),
        ("- a\n  - b\n  - c", "- a\n  - b\n- c"),
        ("const KEY = 'abc';", "const KEY = 'abd';"),
        ("if x == None:\n    return 1", "if x != None:\n    return 1"),
        ("git push origin main", "git pull origin main"),
        ("Why is `a[0]` empty after the call of the parser?", "Why is `a[1]` empty after the call of the parser?"),
    ],
}

REPLIES: dict[str, list[tuple[str, str]]] = {
    "label": [
        ("(tired)", "(party)"),
        ("billing", "technical"),
        ("yes", "no"),
        ("A", "B"),
        ("positive", "negative"),
        ("spam", "not spam"),
        ("The category is: billing.", "The category is: shipping."),
        ("toxic", "nontoxic"),
        ("C1", "C2"),
        ("high priority", "low priority"),
        (
            "The category of this customer request is: billing. Please forward it to the billing team soon.",
            "The category of this customer request is: technical. Please forward it to the technical team soon.",
        ),
    ],
    "value": [
        ('{"city": "Oslo", "nights": 3}', '{"city": "Oslo", "nights": 4}'),
        ('{"city": "Oslo", "nights": 3}', '{"city": "Bergen", "nights": 3}'),
        ('{"ok": true, "reason": null}', '{"ok": false, "reason": null}'),
        ('{"items": ["a", "b"]}', '{"items": ["b", "a"]}'),
        ('{"article": "A-17", "customer": "Meyer"}', '{"article": "B-17", "customer": "Meyer"}'),
        ('[{"label": "person", "text": "Ada"}]', '[{"label": "place", "text": "Ada"}]'),
        ('{"name": "Ada"}', '{"surname": "Ada"}'),
    ],
    "number": [
        ("The parcel will be with you in 3 days.", "The parcel will be with you in 8 days."),
        ("The total comes to 42.10 euros, tax included.", "The total comes to 41.20 euros, tax included."),
    ],
    "opposite": [
        ("Yes, you can take both on the same day.", "No, you cannot take both on the same day."),
        ("The shop is open on Sunday morning until noon.", "The shop is closed on Sunday morning until noon."),
    ],
}
QUESTIONS = (
    "What do you say?",
    "Here is a message of a customer who writes to us for the second time this week. Please answer as agreed.",
)

CALLS = [
    (("get_weather", '{"city": "Oslo"}'), ("get_weather", '{"city": "Rome"}')),
    (("get_weather", '{"city": "Oslo"}'), ("get_forecast", '{"city": "Oslo"}')),
    (("set_alarm", '{"hour": 6}'), ("set_alarm", '{"hour": 7}')),
    (("light", '{"room": "kitchen", "on": true}'), ("light", '{"room": "kitchen", "on": false}')),
    (("transfer", '{"to": "A", "from": "B"}'), ("transfer", '{"to": "B", "from": "A"}')),
    (("search", '{"query": "red shoes"}'), ("search", '{"query": "red boots"}')),
]
SYSTEMS = [
    ("Answer in English.", "Answer in German."),
    ("You are the support bot of shop A.", "You are the support bot of shop B."),
    (
        "You are a friendly assistant who likes to explain things.",
        "You are a pirate. Answer in rhymes and curses.",
    ),
    ("Reply with one word.", "Reply with one paragraph."),
]


def make_pairs() -> Iterator[Pair]:
    """Pairs that differ in meaning."""
    for kind, prompts in PROMPTS.items():
        for a, b in prompts:
            for answer in ANSWERS:
                yield Pair(kind, chat(a, answer), chat(b, answer))
            if kind not in ("code", "question"):
                yield Pair(f"long {kind}", chat(LONG.format(a), ANSWERS[1]), chat(LONG.format(b), ANSWERS[1]))
    for kind, replies in REPLIES.items():
        for a, b in replies:
            for question in QUESTIONS:
                yield Pair(f"answer: {kind}", chat(question, a), chat(question, b))
    for first, second in CALLS:
        yield Pair("call", _calling(*first), _calling(*second))
    for first_system, second_system in SYSTEMS:
        for answer in ANSWERS:
            said = "How do I reset my password?", answer
            yield Pair("system", chat(*said, first_system), chat(*said, second_system))
    yield from _others()


def _calling(name: str, arguments: str) -> Json:
    call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return {
        "messages": [
            {"role": "user", "content": "Please do for me what we talked about this morning in the kitchen."},
            {"role": "assistant", "content": None, "tool_calls": [call]},
        ]
    }


def _others() -> Iterator[Pair]:
    """Pairs that differ in their last question, in a picture, or in the answer that is rejected."""
    for first, second in (("Who wrote it?", "How long is it?"), ("Sum it up.", "Translate the title of it.")):
        yield Pair(
            "question",
            chat(LONG.format("") + "\n\n" + first, "Ask me."),
            chat(LONG.format("") + "\n\n" + second, "Ask me."),
        )
    turns = chat("Hello, I have a question about the bill of May.", "Of course, what is it?")["messages"]
    for first, second in (("Why is it so high?", "When is it due?"), ("Thanks", "Wait")):
        made = [
            {
                "messages": [
                    *turns,
                    {"role": "user", "content": last},
                    {"role": "assistant", "content": "Let me look at it for you."},
                ]
            }
            for last in (first, second)
        ]
        yield Pair("question", *made)
    asked = {"messages": [{"role": "user", "content": "Write a polite reply to the complaint about the machine."}]}
    good, bad, worse = (
        [{"role": "assistant", "content": text}] for text in ("We are sorry.", "Not ours.", "Go away!")
    )
    rejected = [{"input": asked, "preferred_output": good, "non_preferred_output": no} for no in (bad, worse)]
    yield Pair("rejected", *rejected)


COPIES = [
    ("Please water the plants near the window tomorrow", "please water the plants near the window tomorrow."),
    ("My best friend is moving to another city on Monday.", "My best freind is moving to another city on Monday."),
    (
        "The rent went up again, there goes my savings jar.",
        "The rent went up again, and there goes my savings jar.",
    ),
    (
        "The queue at the post office has not moved since lunch.",
        "The queue at the post office hasn't moved since lunch.",
    ),
    ("School is closed, everything outside is white!", "SCHOOL IS CLOSED, EVERYTHING OUTSIDE IS WHITE!"),
    ("Can you tell me how late it is in Lima now?", "can you tell me how late it is in Lima now"),
    ("Könntest du bitte das Fenster in der Küche putzen?", "Könntest du das Fenster in der Küche bitte putzen?"),
    ("日本語のテキストを確認してください", "日本語のテキストを確認して下さい"),
]


def make_copies() -> Iterator[Pair]:
    """Pairs that say the same."""
    for a, b in COPIES:
        yield Pair("copy", chat(a, ANSWERS[1]), chat(b, ANSWERS[1]))
