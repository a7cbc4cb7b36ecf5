"""`ablation`: what each part of the training recipe is worth."""

import argparse
from pathlib import Path

from benchmarks.commands.options import add_json, print_figures, typed_command
from train.commands.options import registered, whole

RECIPES = registered("train/training/recipe.py", "RECIPES")
HELP = "train the compact network with other recipes; tabulate what each one changes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("--recipes", nargs="+", metavar="NAME", help=f"of {RECIPES} (default: all)")
    parser.add_argument("--seeds", nargs="+", type=whole(0), default=[0, 1, 2], metavar="N", help="default: 0 1 2")
    parser.add_argument("--teacher", nargs="+", type=Path, default=[], metavar="MODEL", help="as for fit")
    parser.add_argument("--data", metavar="DIR", help="films, or 'phantom' (default: data/chest_xray, then $CXR_DATA)")
    parser.add_argument("--out", type=Path, default=Path("runs/recipes"), metavar="DIR", help="default: %(default)s")
    parser.add_argument(
        "--epochs", type=whole(1), default=20, metavar="N", help="epochs per run (default: %(default)s)"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Train, compare and print. Exit code 0: every failure is raised."""
    from benchmarks.studies.ablation import RecipesOptions, compare_recipes
    from benchmarks.studies.network_tables import recipes_page
    from train.training.recipe import RECIPES as ALL

    options = RecipesOptions(
        out=args.out,
        recipes=tuple(args.recipes or ALL),
        seeds=tuple(args.seeds),
        data=args.data,
        teachers=tuple(args.teacher),
        epochs=args.epochs,
        command=typed_command(args, with_out=True),
    )
    compared = compare_recipes(options)
    print_figures(args, compared, recipes_page(compared))
    return 0
