"""The films of one training: read, split by patient, with the targets to train on and the evaluation sets."""

from dataclasses import dataclass

import numpy as np

from train.data.loading import LoadedFilms, load_films
from train.data.locator_files import preparation_of
from train.data.split import TEST, TRAIN, VALIDATION, Manifest, read_manifest, split_films, without_seen
from train.data.two_classes import merge_films, merge_manifest, merge_targets
from train.data.whole_films import with_context
from train.evaluation.evaluation_sets import EvaluationSet, evaluation_sets
from train.evaluation.run import MANIFEST
from train.training.batches import one_hot
from train.training.plan import TrainingPlan
from train.training.teacher import soft_targets


@dataclass(frozen=True)
class TrainingFilms:
    """What a training is given.

    `context` is uint8 (training films, wide, wide), from `with_context`; `targets` float32
    (training films, classes), rows summing to 1.
    """

    manifest: Manifest
    training: LoadedFilms
    context: np.ndarray
    targets: np.ndarray
    validation: LoadedFilms
    evaluation_sets: tuple[EvaluationSet, ...]
    test: LoadedFilms | None
    """The split's test part, where it has one; nothing may be chosen by it."""


def read_films(plan: TrainingPlan) -> TrainingFilms:
    """Read the films of a plan.

    Raises:
        DataError: the films or a teacher are missing or unfit, or the split leaves a part empty.
    """
    preparation = preparation_of(plan.architecture.input_size_px, plan.locator)
    films = load_films(plan.data, preparation, plan.options.strict)
    manifest = split_films(films, plan.data.name, plan.data.labels, plan.options.split)
    if plan.options.init:
        manifest = without_seen(manifest, read_manifest(plan.options.init.with_name(MANIFEST)))
    targets = _targets(plan, films, manifest)
    if plan.options.binary:
        films, manifest, targets = (
            merge_films(films, plan.data.labels),
            merge_manifest(manifest),
            merge_targets(targets),
        )
    training, validation = (films.only(manifest.rows(part)) for part in (TRAIN, VALIDATION))
    return TrainingFilms(
        manifest=manifest,
        training=training,
        context=with_context(training),
        targets=targets,
        validation=validation,
        evaluation_sets=evaluation_sets(validation, plan.classes, preparation),
        test=films.only(test) if len(test := manifest.rows(TEST)) else None,
    )


def _targets(plan: TrainingPlan, films: LoadedFilms, manifest: Manifest) -> np.ndarray:
    """One-hot classes of the training films, softened by the share of the teachers."""
    targets = one_hot(films.classes[manifest.rows(TRAIN)], len(manifest.labels))
    share = plan.recipe.teacher_share
    if not plan.options.teachers or not share:
        return targets
    return (1 - share) * targets + share * soft_targets(plan.options.teachers, plan.data, manifest)
