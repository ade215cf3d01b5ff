"""Text of a request that is written as SQL stays text."""

import pytest
from msgspec import structs

from faults.written import a_claim

HOSTILE = [
    "x'); DROP TABLE claims; --",
    'x" OR "1"="1',
    "%' OR 1=1 UNION SELECT * FROM claims --",
    "$$; COMMIT; DROP SCHEMA public CASCADE; $$",
    ":name %(name)s {0} ?",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_sql_in_a_request_is_kept_as_text_and_never_run(journal, text):
    other = a_claim("req-other")
    journal.begin(other)
    hostile = structs.replace(a_claim(text), project_id=text, user_id=text, consumer_type=text)
    journal.begin(hostile)
    assert journal.claims_of(text) == (hostile,)
    assert journal.claims_of("req-other") == (other,)
