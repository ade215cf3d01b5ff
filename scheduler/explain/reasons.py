"""Stable reason codes and what they mean in words."""

from collections.abc import Mapping
from types import MappingProxyType

OUTCOMES: Mapping[str, str] = MappingProxyType(
    {
        "selected": "selected",
        "no_valid_host": "no valid host",
        "unavailable": "scheduling was not available",
        "rejected": "the request was rejected",
        "conflict": "an instance already holds allocations",
        "in_doubt": "the outcome is not known yet",
        "interrupted": "interrupted",
        "released": "reserved and given back",
    }
)

FILTERS: Mapping[str, str] = MappingProxyType(
    {
        "no_room_left": "no room is left there",
        "not_forced": "not the forced host",
        "not_requested": "not the requested host",
        "ignored": "to be ignored",
        "disabled_or_down": "disabled or down",
        "capability_missing": "a capability is missing",
        "image_not_supported": "the image is not supported",
        "group_member_present": "a member is there",
        "group_is_elsewhere": "the group is elsewhere",
        "nothing_removed": "nothing is removed",
        "instance_is_there": "an instance is there that it must be apart from",
        "no_instance_is_there": "no instance is there that it must be beside",
        "outside_network": "outside the network",
        "query_not_met": "the query is not met",
        "aggregate_extra_spec_missing": "no aggregate has what the flavor asks for",
        "image_property_excluded": "an aggregate is for other images",
        "reserved_for_other_tenants": "an aggregate is for other projects",
        "flavor_excluded": "an aggregate is for other flavors",
        "isolated": "the host is isolated and the image is not, or the other way round",
        "too_many_instances": "too many instances are there",
        "too_many_io_ops": "too many builds, resizes and moves are under way",
        "metric_missing": "a metric is missing",
        "provider_trait_missing": "a child provider has not the traits",
        "image_traits_missing": "what the instance holds has not the traits that the image requires",
        "topology_skew": "its rack or zone would lead the others by too much",
    }
)

ANSWERS: Mapping[str, str] = MappingProxyType(
    {
        "no_candidates": "no candidates",
        "filtered_out": "all hosts filtered out",
        "unknown_host": "the host asked for is not known",
        "unknown_availability_zone": "no aggregate is in the availability zone",
        "tenant_without_aggregate": "no aggregate is for the project, and the ini demands one",
        "segment_without_aggregate": "a segment of a requested network has no aggregates",
        "reserved": "the room was reserved",
        "held": "the instance stays where it is, with what it holds",
        "confirmed": "the room was reserved and confirmed",
        "too_many_claims": "too many claims held room already, of this project or in all",
        "over_capacity": "a provider was over its capacity after the claim, which was given back",
        "group_changed": "other members of the server group were found after the claim, which was given back",
        "capacity_exceeded": "the room was gone when it was claimed",
        "provider_conflict": "a provider changed at the same time",
        "consumer_conflict": "a consumer was written at the same time",
        "unknown_provider": "a provider was gone when it was claimed",
        "outcome_unknown": "the answer of Placement was lost",
        "answer_too_slow": "Placement did not answer in time",
        "not_sent": "Placement could not be reached",
        "refused": "Placement refused",
        "bad_request": "Placement did not understand the request",
        "not_authorized": "Placement did not accept the credentials, or they lack the service role",
        "not_found": "Placement does not know what was asked for",
        "version_refused": "Placement speaks no microversion that is safe to claim with",
        "bad_answer": "the answer was not one a Placement server gives",
        "deadline_exceeded": "the time ran out",
        "insecure_endpoint": "the endpoint is not https",
        "invalid_query": "the query cannot be expressed at this microversion",
        "instance_taken": "an instance already holds allocations of somebody else",
        "instance_conflict": "an instance already holds allocations of somebody else",
        "reservation_lost": "the reserved room was taken away before it was confirmed",
        "claim_in_doubt": "the answer to the confirmation was lost; it is being settled",
        "journal_unavailable": "the claim could not be written down, so it was not made",
        "journal_full": "the disk of the claim journal is full",
        "journal_busy": "the claim journal was locked for too long",
        "journal_io": "the disk of the claim journal failed",
        "journal_lost": "the database of the claim journal cannot be reached",
        "journal_damaged": "the claim journal does not hold what was written to it",
        "journal_read_only": "the claim journal cannot be written",
        "journal_failed": "the database of the claim journal failed",
        "journal_timeout": "the claim journal did not answer in time",
        "journal_in_doubt": "whether the claim was written down is not known",
        "fenced": "another scheduler took this one for dead and took its claims over",
        "request_in_progress": "the same request is being served at this moment",
        "reservation_given_up": "the reservation was given up before it was confirmed",
        "closed": "the scheduler is closed",
        "forked": "the scheduler was used in a forked process",
        "scheduling_unavailable": "something the scheduler needs is not working",
        "illegal_transition": "a claim was told something that cannot happen; a defect of the scheduler",
        "plugin_failed": "a filter or weigher failed",
        "invalid_request": "the request is wrong",
        "invalid_settings": "the configuration is wrong",
        "not_permitted": "the caller may not ask for this",
        "policy_file_unusable": "the policy file was changed into one that cannot be used",
        "KeyboardInterrupt": "stopped from the keyboard",
        "SystemExit": "the process was told to end",
    }
)


def phrase(code: str) -> str:
    """Return a code in words; a code that is not ours, for instance of an out-of-tree filter, as it is."""
    return OUTCOMES.get(code) or FILTERS.get(code) or ANSWERS.get(code) or code
