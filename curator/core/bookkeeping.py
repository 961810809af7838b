"""Keys that other tools keep beside a conversation for their own books: ids, dates, hashes, origins, measures.

A closed list: such a key may be dropped without loss. Every other unknown key may be meant to be kept, as `label`,
`category`, `chosen`, `reasoning_content` or `language` do.
"""

from __future__ import annotations

from typing import Any

_WORDS = """
id ids uid uuid guid idx index rowid rowindex rownumber lineid linenumber recordid exampleid sampleid itemid
taskid questionid promptid responseid completionid answerid conversationid conversationhash convid dialogueid
dialogid chatid messageid msgid turnid threadid sessionid requestid traceid spanid runid parentid customid docid
documentid datasetid datasetname batchid userid projectid internalid originalid treeid messagetreeid indexlevel0
unnamed0
hash hashes sha sha1 sha256 md5 digest checksum fingerprint etag simhash minhash systemfingerprint
source sources sourceid sourcefile sourceurl sourcedataset datasource origin origins url urls uri link permalink
file filename filepath path warc warcid warcpath shard license licence
timestamp timestamps ts time date datetime created createdat createdon createtime createdate creationdate
updated updatedat updatedon updatetime modified modifiedat lastmodified fetchedat crawldate crawledat
collectedat exportedat importedat dumpdate starttime endtime
tokens tokencount tokencounts numtokens ntokens tokenslength numturns nturns turncount messagecount nummessages
charcount wordcount length numchars perplexity ppl qualityscore languagescore languageprobability
educationalscore eduscore toxicityscore spamscore similarityscore duplicatescore scorechosen scorerejected
latency latencyms durationms elapsed cost usage
metadata meta version schema schemaversion revision object model modelname modelid modelversion generator
provider temperature topp topk maxtokens maxcompletiontokens maxoutputtokens presencepenalty frequencypenalty
repetitionpenalty logprobs toplogprobs n seed stream store servicetier finishreason stopreason statuscode
cachecontrol
"""
_NAMES = frozenset(_WORDS.split())
"""Names of ids, hashes, origins, dates, measures, producers and settings of the logged request, in lower case,
without `_`, `-` and blanks."""


def is_bookkeeping(key: str, value: Any) -> bool:
    """Whether a key that no format has can be dropped without loss: its name is in the list, or its value is
    empty.

    A listed key whose value is a long text or holds messages cannot: a person may have written that.
    """
    if value is None or value == "" or (isinstance(value, list | dict) and not value):
        return True
    name = "".join(key.lower().replace("-", "").replace("_", "").replace(":", "").split())
    return name in _NAMES and not _speaks(value) or (name == "prefix" and isinstance(value, bool))


_SPOKEN = frozenset(("role", "content", "messages", "text"))
_LONG = 200
"""Characters of a text above which it is no name, date or address."""


def _speaks(value: Any) -> bool:
    """Whether a value is a long text of several words, or holds messages."""
    if isinstance(value, str):
        return len(value) > _LONG and len(value.split()) > 1
    items = value if isinstance(value, list) else [value]
    return any(
        isinstance(item, dict) and ({"role", "content", "messages", "text"} & item.keys()) for item in items
    )
