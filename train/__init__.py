"""Float models from labelled films, and the figures that say how good they are.

    from train import FitOptions, fit

    metrics = fit(FitOptions(out=Path("runs/fit"), data="phantom"))
    print(metrics["judges"]["random"]["auc"])

`evaluate(EvaluateOptions(model, data))` scores a float model or a bundle. All are imported on first use, and
TensorFlow with them.
"""

from edge_app.lazy import public_names

__all__ = ["EvaluateOptions", "FitOptions", "evaluate", "fit"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from train.evaluation.evaluate import EvaluateOptions, evaluate
    from train.training.fit import FitOptions, fit
else:
    __getattr__, __dir__ = public_names(
        __name__,
        {
            "EvaluateOptions": "train.evaluation.evaluate",
            "FitOptions": "train.training.fit",
            "evaluate": "train.evaluation.evaluate",
            "fit": "train.training.fit",
        },
    )
