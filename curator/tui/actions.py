"""The table of all actions, from which bindings, key line, palette, help, `docs/keys.md` and the keymap are built.

To add one: a row here, a method `action_NAME` in the widget or screen of that scope, and a test; see `keys`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Action:
    """One thing the user can do. `keys` are Textual key names, comma separated; empty: only in the palette."""

    id: str
    keys: str
    description: str
    tooltip: str
    show: bool = False
    """Whether the key line at the foot of the screen shows it."""
    priority: bool = False
    """Whether it takes precedence over a focused text field; never set for printable keys."""
    run: str = ""
    """The Textual action string; by default the part of `id` after the dot."""

    @property
    def scope(self) -> str:
        """The screen or widget that it belongs to: the part of `id` before the dot."""
        return self.id.partition(".")[0]

    @property
    def command(self) -> str:
        """The Textual action string that the keys run."""
        return self.run or self.id.partition(".")[2]


SCOPES: dict[str, str] = {
    "app": "Everywhere",
    "stage": "On every stage",
    "list": "In the list",
    "data": "Data stage",
    "conversation": "In the conversation",
    "problems": "In the problem list",
    "query": "In the query line",
    "editor": "While editing",
    "answer": "While typing an answer",
    "dialog": "In dialogs",
    "field": "In the fields of dialogs",
    "balance": "In the balance",
    "providers": "In the providers",
    "members": "In the members of a group",
    "lines": "In lists of runs, groups, answers and changes",
    "duplicates": "Duplicates stage",
    "split": "Split stage",
    "train": "Train stage",
    "compare": "Compare stage",
    "history": "History stage",
    "effects": "In the side effects",
}
"""Every scope and its heading in help, in the order help shows them."""


def _rows(scope: str, *rows: tuple[str, str, str, str] | tuple[str, str, str, str, str]) -> list[Action]:
    """Build actions from (name, keys, description, tooltip[, flags]); flags: `show`, `priority`, `run=ACTION`."""
    actions = []
    for name, keys, description, tooltip, *rest in rows:
        flags = rest[0].split() if rest else []
        run = next((flag[4:] for flag in flags if flag.startswith("run=")), "")
        show, priority = "show" in flags, "priority" in flags
        actions.append(Action(f"{scope}.{name}", keys, description, tooltip, show, priority, run))
    return actions


ACTIONS: tuple[Action, ...] = (
    *_rows(
        "app",
        ("help", "question_mark,f1", "Help", "Keys and help for what has the focus", "show run=help"),
        ("palette", "ctrl+p,colon", "Commands", "Find any action by name", "show run=command_palette"),
        ("train", "T", "Train", "Check, estimate and start a fine-tuning job", "show run=dialog('train')"),
        ("split", "S", "Split", "Divide into training, validation and test", "run=dialog('split')"),
        ("export", "E", "Export", "Write the examples of this view to a file", "run=dialog('export')"),
        ("import", "I", "Import", "Add the examples of a file, after a preview", "run=dialog('import')"),
        (
            "source",
            "",
            "File changed outside",
            "Merge changes made to an imported file, or keep yours",
            "run=dialog('source')",
        ),
        ("write_back", "", "Write back", "Replace the imported file, after a backup", "run=dialog('write_back')"),
        ("answers", "A", "Answer contract", "Say which answers are allowed", "run=dialog('answers')"),
        ("balance", "B", "Balance", "Count answers, system prompts, lengths, scripts", "run=dialog('balance')"),
        ("undo", "ctrl+z", "Undo", "Take the last change back", "run=undo"),
        ("redo", "ctrl+y", "Redo", "Do the change again that was taken back", "run=redo"),
        ("data", "alt+1", "Data", "Go to the Data stage", "run=stage('data')"),
        ("duplicates", "alt+2", "Duplicates", "Go to the Duplicates stage", "run=stage('duplicates')"),
        ("splits", "alt+3", "Split stage", "Go to the Split stage", "run=stage('split')"),
        ("training", "alt+4", "Train stage", "Go to the Train stage", "run=stage('train')"),
        ("compare", "alt+5", "Compare", "Go to the Compare stage", "run=stage('compare')"),
        ("history", "alt+6", "History", "Go to the History stage", "run=stage('history')"),
        ("theme", "", "Change theme", "Choose the colours, with a live preview", "run=theme"),
        ("settings", "f2", "Settings", "Provider, model and rules of this workspace", "run=settings"),
        (
            "providers",
            "P",
            "Providers",
            "Add and test providers, store keys, see models",
            "run=dialog('providers')",
        ),
        ("quit", "ctrl+q", "Quit", "Leave; everything is saved already", "priority run=quit"),
        (
            "interrupt",
            "ctrl+c",
            "Interrupt",
            "Copy what is selected, else leave with exit status 130",
            "run=interrupt",
        ),
    ),
    *_rows(
        "stage",
        ("next_pane", "tab", "Next pane", "Move the focus to the next pane", "run=app.focus_next"),
        ("previous_pane", "shift+tab", "Previous pane", "Move the focus back", "run=app.focus_previous"),
        ("zoom", "z", "Zoom", "Give the pane the whole screen, and back"),
        ("quit", "q", "Quit", "Leave; everything is saved already", "run=app.quit"),
        ("undo", "u", "Undo", "Take the last change back", "run=app.undo"),
        ("redo", "ctrl+r", "Redo", "Do the change again that was taken back", "run=app.redo"),
        ("back", "escape", "Back", "One level back; no text is ever lost"),
    ),
    *_rows(
        "list",
        ("up", "up,k", "Up", "Previous example"),
        ("down", "down,j", "Down", "Next example"),
        ("page_up", "pageup", "Page up", "One screen up"),
        ("page_down", "pagedown", "Page down", "One screen down"),
        ("first", "g,home", "First", "First example of the view"),
        ("last", "G,end", "Last", "Last example of the view"),
        ("left", "left,h", "Left", "Show the words further left"),
        ("right", "right,l", "Right", "Show the words further right"),
        ("select", "space", "Select", "Select or release the example and go on"),
        ("range", "v", "Range", "Start a range here; v again ends it"),
        ("select_all", "ctrl+a", "Select all", "Select all examples of this view"),
    ),
    *_rows(
        "data",
        ("query", "slash", "Query", "Filter by words, fields and marks", "show"),
        ("edit", "enter,e", "Edit", "Edit the example in place", "show"),
        ("fix", "F", "Fix", "Show the fix of the problem, then apply it", "show"),
        ("next_problem", "right_square_bracket", "Next problem", "Go to the next problem, here or further down"),
        ("previous_problem", "left_square_bracket", "Previous problem", "Go to the problem before"),
        ("next_match", "n", "Next match", "Next place where the query matches"),
        ("previous_match", "N", "Previous match", "Place before where the query matches"),
        ("accept", "a", "Accept", "Mark as reviewed and accepted, go on", "show"),
        ("reject", "x", "Reject", "Mark as rejected, go on", "show"),
        ("flag", "f", "Flag", "Mark to look at again, go on", "show"),
        ("resume", "R", "Resume review", "Go to the first unreviewed example after the one reviewed last"),
        ("add", "plus", "New", "Add an example after this one", "show"),
        ("duplicate", "D", "Duplicate", "Add a copy of this example"),
        ("delete", "d,delete", "Delete", "Delete at once; u brings it back", "show"),
        *(
            (f"label{n}", str(n), f"Label {n}", f"Put label {n} on, or take it off", f"run=label({n})")
            for n in range(1, 10)
        ),
        ("labels", "L", "Name the labels", "Names and colours of the labels on the keys 1 to 9"),
        ("rate_up", "asterisk", "Rate higher", "One star more", "run=rate(1)"),
        ("rate_down", "underscore", "Rate lower", "One star less", "run=rate(-1)"),
        ("note", "t", "Note", "Write a note about the selected examples"),
        ("pin", "p", "Pin", "Pin to a side: training, validation, test, none", "run=pin"),
        ("pin_train", "", "Pin to training", "Keep these in training in every later split", "run=pin('train')"),
        ("pin_held", "", "Pin to validation", "Never train on these", "run=pin('validation')"),
        ("pin_test", "", "Pin to test", "Keep these for the test alone", "run=pin('test')"),
        ("unpin", "", "Unpin", "Let the split decide about these again", "run=pin('none')"),
        ("keep_twin", "K", "Keep held out", "Hold this copy of a held-out example out for good"),
        ("train_twin", "M", "Train on twin", "Train on this copy of a held-out example, and on that example"),
        ("model", "w", "What the model sees", "Show the text that is trained on, learnt words marked, and back"),
        ("similar", "equals_sign", "Similar", "List the nearest examples"),
        ("copy", "y", "Copy message", "Copy the message under the cursor"),
        ("copy_line", "Y", "Copy JSON", "Copy the example's JSON line"),
        ("external", "ctrl+o", "External editor", "Edit the example in $EDITOR"),
        ("sort", "s", "Sort", "Sort by the next column; again turns the order round", "show"),
        ("shrink", "less_than_sign", "Smaller list", "Give the list less room"),
        ("grow", "greater_than_sign", "Larger list", "Give the list more room"),
    ),
    *_rows(
        "conversation",
        ("up", "up,k", "Up", "Previous message"),
        ("down", "down,j", "Down", "Next message"),
        ("page_up", "pageup", "Page up", "One screen up"),
        ("page_down", "pagedown", "Page down", "One screen down"),
        ("first", "g,home", "First", "First message"),
        ("last", "G,end", "Last", "Last message"),
    ),
    *_rows(
        "problems",
        ("up", "up,k", "Up", "Previous problem"),
        ("down", "down,j", "Down", "Next problem"),
        ("first", "g,home", "First", "First problem"),
        ("last", "G,end", "Last", "Last problem"),
        ("jump", "enter", "Show", "Go to the place of the problem, or filter by the rule"),
        ("fix_all", "ctrl+f", "Fix all", "Fix this rule everywhere in the view, as one step", "show"),
        ("group", "r", "By rule", "Switch between this example and the whole dataset by rule", "show"),
    ),
    *_rows(
        "query",
        ("apply", "enter", "Apply", "Filter and go to the list", "show"),
        ("complete", "tab,right", "Complete", "Take the suggestion"),
        ("leave", "escape", "Back", "Back to the list; an empty line shows everything", "show"),
    ),
    *_rows(
        "editor",
        ("leave", "escape", "Done", "Keep the text and go back; u takes it back", "show priority"),
        ("save", "ctrl+s,f9", "Save", "Save and go on editing", "priority"),
        ("next_message", "alt+down,f8", "Next message", "Edit the next message", "show priority"),
        ("previous_message", "alt+up,f7", "Previous", "Edit the message before", "priority"),
        ("next_field", "tab", "Next field", "Go to the next text, and from the last one to the first"),
        ("previous_field", "shift+tab", "Field before", "Go to the text before"),
        ("role", "ctrl+t,f3", "Role", "Change the role of this message", "show priority"),
        ("add_message", "ctrl+n,f4", "Add", "Add a message after this one", "show priority"),
        ("remove_message", "ctrl+shift+d,f5", "Remove", "Remove this message", "priority"),
        ("move_up", "ctrl+up,shift+f7", "Move up", "Move this message up", "priority"),
        ("move_down", "ctrl+down,shift+f8", "Move down", "Move this message down", "priority"),
        ("undo", "ctrl+z", "Undo", "Take typing back, then changes of the messages", "priority"),
        ("redo", "ctrl+y", "Redo", "Do it again", "priority"),
        ("json", "f6,ctrl+l", "JSON", "Switch between messages and the raw JSON line", "show priority"),
        ("external", "ctrl+o", "External", "Edit this in $EDITOR", "priority"),
    ),
    *_rows(
        "answer",
        ("complete", "tab", "Complete", "Take the suggested answer of the contract"),
    ),
    *_rows(
        "field",
        ("complete", "tab", "Complete", "Take the suggestion; without one go to the next field"),
    ),
    *_rows(
        "lines",
        ("up", "up,k", "Up", "Previous line"),
        ("down", "down,j", "Down", "Next line"),
        ("page_up", "pageup", "Page up", "One screen up"),
        ("page_down", "pagedown", "Page down", "One screen down"),
        ("first", "g,home", "First", "First line"),
        ("last", "G,end", "Last", "Last line"),
        ("choose", "enter", "Choose", "Open the line, or run its action"),
    ),
    *_rows(
        "train",
        ("cancel_job", "c", "Cancel", "Cancel the job under the cursor, after asking", "show"),
        ("pause_job", "p", "Pause", "Pause or resume the job, after asking", "show"),
        ("checkpoints", "e", "Checkpoints", "Show checkpoints, the best one marked, instead of events", "show"),
        ("all_jobs", "J", "All jobs", "Also list the jobs at all providers, whoever started them", "show"),
        ("compare", "C", "Compare", "Compare the tuned model with its base", "show"),
        ("accuracy", "a", "Accuracy", "Show mean token accuracy instead of loss, and back", "show"),
        ("smoothing", "s", "Smooth", "Smooth the curves less or more", "show"),
        ("log_scale", "l", "Log", "Logarithmic scale, and back", "show"),
        ("deploy", "O", "Deploy", "Put a model tuned at Azure online; shows what an hour costs first"),
        ("export_model", "X", "Export model", "Write the tuned model as GGUF, merged weights or PEFT adapter"),
        ("delete", "D", "Delete", "Delete deployment, files or tuned model at the provider, after asking"),
    ),
    *_rows(
        "duplicates",
        ("settle", "x,d", "Keep one", "Keep the marked member, delete the others", "show"),
        ("settle_all", "X", "All groups", "Keep one of every group of copies, as one change", "show"),
        ("answer", "a", "Same answer", "Give all members of a contradiction the marked answer", "show"),
        ("no_copies", "N", "No copies", "Remember that these are no copies of each other", "show"),
        ("merge", "m", "Merge", "Keep one, with the labels, rating and notes of all"),
        ("scope", "c", "Compare what", "Compare whole conversations, prompts or answers"),
        ("policy", "K", "Keep which", "Keep the first, newest, longest or best rated"),
        ("looser", "minus", "Looser", "Count more pairs as near copies", "run=threshold(-1)"),
        ("stricter", "plus,equals_sign", "Stricter", "Count fewer pairs as near copies", "run=threshold(1)"),
        ("show", "o,e", "Open", "Go to the marked member in the Data stage"),
    ),
    *_rows(
        "members",
        ("up", "up,k", "Up", "Keep the member above"),
        ("down", "down,j", "Down", "Keep the member below"),
    ),
    *_rows(
        "split",
        ("check", "c", "Check leaks", "Compare training and validation pair by pair", "show"),
        ("check_file", "f", "Check a file", "Look for copies of the examples of a test file", "show"),
        (
            "pin_train",
            "t",
            "Pin to training",
            "Keep examples with this answer in training",
            "show run=pin('train')",
        ),
        (
            "pin_held",
            "v",
            "Pin to validation",
            "Never train on examples with this answer",
            "show run=pin('validation')",
        ),
        ("unpin", "r", "Unpin", "Let the split decide about these again", "run=pin('none')"),
    ),
    *_rows(
        "compare",
        (
            "new_example",
            "plus,e",
            "New example",
            "Begin an example that teaches what was missed here",
            "show",
        ),
        ("filter", "f", "Filter", "All prompts, misses, or those where the models differ", "show"),
        ("next_model", "m", "Model", "Next run or checkpoint", "show"),
        ("ask", "a", "Ask", "Ask both models something of your own", "show"),
        ("other_file", "o", "Prompts", "Compare on the prompts of a file", "show"),
        ("ask_again", "r", "Ask again", "Ask the tuned model again instead of using stored answers"),
    ),
    *_rows(
        "history",
        ("show", "o", "Show", "Go to the example that the change was about", "show"),
        (
            "diff",
            "d",
            "What changed",
            "Compare two rounds, or the examples after this change with today's",
            "show",
        ),
        (
            "mark",
            "space",
            "Mark round",
            "Mark a round, which d then compares with the one under the cursor",
            "show",
        ),
        ("remark", "t", "Note and tags", "Write a note and tags about this round", "show"),
        ("view", "v", "Round's data", "See the examples that this round was trained on", "show"),
        ("write", "w", "Write", "Write this round's data, or its run, model or dataset card, to a file", "show"),
        ("effects", "x", "Side effects", "See what this round's training did beside its task", "show"),
        ("restore", "R", "Restore", "Go back to the data of this round, as one change, after asking"),
        ("filter", "slash", "Filter", "List the changes whose words match", "show"),
    ),
    *_rows(
        "effects",
        ("own_file", "o", "Must work", "Ask your own questions too, of what must still work", "show"),
        ("rehearse", "R", "Rehearse", "Add the base's own answers to other general questions to the data", "show"),
        ("ask", "a", "Ask", "Ask what is not answered yet, also where it costs money", "show"),
    ),
    *_rows(
        "balance",
        ("unify", "U", "One system prompt", "Give all examples the commonest system prompt, after asking"),
    ),
    *_rows(
        "providers",
        ("test", "t", "Test", "Check that it answers and takes the key", "show"),
        ("models", "m", "Models", "List its models: training, longest example, price, last day", "show"),
        ("key", "K", "Key", "Type its key hidden, and choose where to store it", "show"),
        ("new", "plus", "New", "Add a provider to config.toml", "show"),
    ),
    *_rows(
        "dialog",
        ("accept", "enter", "Do it", "Go ahead", "show"),
        ("cancel", "escape", "Back", "Change nothing", "show"),
        ("page_down", "pagedown", "Further down", "Show what lies below the dialog's edge"),
        ("page_up", "pageup", "Further up", "Show what lies above the dialog's edge"),
    ),
)
