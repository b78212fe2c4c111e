"""How long the full cohort takes from a labelled table to a tensor (the budget is 1 s)."""

from time import perf_counter

import torch

from hgteach import ART_HIV, Preprocessor, load_art_hiv, to_sequences


def main(rounds: int = 5) -> None:
    """Print the best of several rounds, step by step."""
    table = load_art_hiv()
    best = dict.fromkeys(("fit", "transform", "to_sequences", "inverse_transform"), float("inf"))
    for _ in range(rounds):
        marks = [perf_counter()]
        preprocessor = Preprocessor(ART_HIV).fit(table)
        marks.append(perf_counter())
        matrix = preprocessor.transform(table)
        marks.append(perf_counter())
        x = torch.from_numpy(to_sequences(matrix, table, ART_HIV))  # (P, T, F)
        marks.append(perf_counter())
        preprocessor.inverse_transform(matrix)
        marks.append(perf_counter())
        for step, start, stop in zip(best, marks, marks[1:], strict=False):
            best[step] = min(best[step], stop - start)
    there = sum(best.values()) - best["inverse_transform"]
    print(f"table to tensor {tuple(x.shape)}: {there:.2f} s")
    for step, seconds in best.items():
        print(f"  {step:18s} {seconds:.3f} s")


if __name__ == "__main__":
    main()
