"""Medians, and ratios of pairs.

The machine's speed drifts from minute to minute. A ratio is therefore formed
from two samples of the same repetition, which ran one shortly after the other,
and the median of these ratios is what counts, not the ratio of the medians.
"""

from statistics import median


def values(samples, metric):
    """A contestant's samples (None where a repetition failed) as numbers."""
    return [sample[metric] for sample in samples if sample is not None and metric in sample]


def summary(samples, metric):
    found = values(samples, metric)
    return {"median": median(found), "min": min(found), "runs": len(found)} if found else None


def ratio(samples, base_samples, metric):
    pairs = [
        sample[metric] / base[metric]
        for sample, base in zip(samples, base_samples)
        if sample and base and metric in sample and base.get(metric)
    ]
    return median(pairs) if pairs else None
