"""How far the token estimate is from real tokenizers, and how its weights were found.

```bash
python benchmarks/token_estimate.py                       # built-in samples only
python benchmarks/token_estimate.py --data DIR --check    # any folder of .md .txt .py .jsonl(.gz)
python benchmarks/token_estimate.py --data DIR --fit      # print new weights for routing/tokens.py
```

Tokenizers come from packages that bundle their vocabulary, nothing is downloaded: `dashscope`
for qwen, and tiktoken's cache folder for cl100k and o200k (`--tiktoken-cache`, by default the one
inside the `litellm` package). A vocabulary that is not there is left out and named.

Texts are parted in two by a hash of their content: weights are fitted on one half, all figures
printed are of the other half. Peers: LangChain's `count_tokens_approximately` and characters / 4.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import importlib.util
import json
import math
import os
import random
import sys
import textwrap
import timeit
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

from langchain_core.messages import HumanMessage
from langchain_core.messages.utils import count_tokens_approximately
from token_estimate_samples import SAMPLES, identifiers

from langchain_switchyard.routing.patterns import Weights, count_patterns
from langchain_switchyard.routing.tokens import estimate_text

LIMIT = 0.15
FEW = 20
"""A mean over fewer texts says little."""

Encoder = Callable[[str], int]


@dataclass(frozen=True)
class Text:
    """One text with its class and its true token counts."""

    kind: str
    text: str
    tokens: Mapping[str, int]

    @property
    def fitted(self) -> bool:
        """Whether the text belongs to the half that weights are fitted on."""
        return bool(hashlib.blake2b(self.text.encode("utf-8", "surrogatepass")).digest()[0] & 1)


def main() -> int:
    """Run what the command line asks for."""
    args = arguments()
    encoders = load_encoders(args.tiktoken_cache)
    if not encoders:
        print("no tokenizer at hand: pip install dashscope tiktoken, or give --tiktoken-cache")
        return 1 if args.check else 0
    texts = load_texts(args.data, encoders, per_file=40 if args.smoke else 300)
    if args.fit:
        print_fit(texts, list(encoders))
        return 0
    rows = measure(texts, list(encoders))
    speed = measure_speed()
    print_table(rows, speed)
    missed = missed_limits(rows)
    if args.json:
        args.json.write_text(
            json.dumps({"errors": [asdict(row) for row in rows], "speed": speed}, indent=2), "utf-8"
        )
    for line in missed:
        print(f"MISSED: {line}")
    return 1 if args.check and missed else 0


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of texts; without it: built-in samples")
    parser.add_argument("--tiktoken-cache", type=Path, help="folder of tiktoken's cached files")
    parser.add_argument("--smoke", action="store_true", help="seconds: fewer texts of each file")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--check", action="store_true", help="exit 1 if a mean error is over 15 %%")
    parser.add_argument("--fit", action="store_true", help="print weights fitted on one half")
    return parser.parse_args()


def load_encoders(cache: Path | None) -> dict[str, Encoder]:
    """Find the real tokenizers that are here, without asking the network."""
    encoders: dict[str, Encoder] = {}
    if importlib.util.find_spec("dashscope"):
        from dashscope import get_tokenizer  # noqa: PLC0415 - optional.

        qwen = get_tokenizer("qwen-plus")
        encoders["qwen"] = lambda text: len(qwen.encode(text, disallowed_special=()))
    spec = importlib.util.find_spec("litellm")
    if cache is None and spec and spec.origin:
        cache = Path(spec.origin).parent / "litellm_core_utils" / "tokenizers"
    for name in ("o200k", "cl100k"):
        url = f"https://openaipublic.blob.core.windows.net/encodings/{name}_base.tiktoken"
        file = hashlib.sha1(url.encode(), usedforsecurity=False).hexdigest()
        if cache and (cache / file).exists():
            encoders[name] = tiktoken_encoder(f"{name}_base", cache)
    for name in {"qwen", "o200k", "cl100k"} - encoders.keys():
        print(f"no vocabulary for {name} here: left out", file=sys.stderr)
    return encoders


def tiktoken_encoder(name: str, cache: Path) -> Encoder:
    """One of tiktoken's vocabularies from its cache folder."""
    os.environ["TIKTOKEN_CACHE_DIR"] = str(cache)
    import tiktoken  # noqa: PLC0415 - optional.

    encoding = tiktoken.get_encoding(name)
    return lambda text: len(encoding.encode_ordinary(text))


def load_texts(folder: Path | None, encoders: Mapping[str, Encoder], per_file: int) -> list[Text]:
    """Read the samples and the folder, each text once, with its true counts."""
    found: dict[str, str] = {}
    for kind, samples in SAMPLES.items():
        found.update((text, kind) for text in samples)
    found.update((text, "identifiers") for text in identifiers(random.Random(5)))
    for path in sorted(folder.rglob("*")) if folder else ():
        for kind, text in read_file(path, per_file):
            found.setdefault(text, kind)
    return [
        Text(kind, text, {name: encode(text) for name, encode in encoders.items()})
        for text, kind in found.items()
    ]


def read_file(path: Path, limit: int) -> Iterator[tuple[str, str]]:
    """Yield pieces of one file, each with its class."""
    name = path.name.removesuffix(".gz")
    if not name.endswith((".md", ".txt", ".py", ".jsonl")):
        return
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        content = file.read()
    if name.endswith(".jsonl"):
        lines = content.splitlines()
        random.Random(name).shuffle(lines)
        yield from read_records(lines[:limit])
        return
    for start in range(0, len(content), 1500):
        piece = content[start : start + 1500]
        kind = language(piece)
        plain = "code" if name.endswith(".py") else "markdown"
        yield (plain if kind == "english" else kind), piece


def read_records(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the longer strings of JSON records, and some records themselves."""
    for number, line in enumerate(lines):
        record = json.loads(line)
        if number < 40:
            indent = 2 if number % 2 else None
            dumped = json.dumps(record, ensure_ascii=False, indent=indent)[:3000]
            yield ("json" if language(dumped) == "english" else "chinese json"), dumped
        for text in [text for text in strings(record) if len(text) >= 60][:4]:
            is_code = text.startswith(("def ", "class ")) and "\n" in text
            yield ("code" if is_code else language(text)), text[:3000]


def strings(value: object) -> Iterator[str]:
    """All strings inside a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from strings(item)


def language(text: str) -> str:
    """Tell Chinese, English and mixed text by the share of CJK characters."""
    visible = sum(not character.isspace() for character in text)
    cjk = sum("\u3000" <= c <= "\u9fff" or "\uff00" <= c <= "\uffef" for c in text)
    share = cjk / max(visible, 1)
    return "chinese" if share > 0.75 else "mixed" if share > 0.05 else "english"


@dataclass(frozen=True)
class Row:
    """One line of the table: estimates with some weights against one real tokenizer."""

    kind: str
    texts: int
    true: str
    own: str
    bias: float
    mean_error: float
    p95_error: float
    within_limit: float
    langchain_error: float
    quarter_error: float
    """Of the rule "characters / 4"."""


def measure(texts: Iterable[Text], vocabularies: list[str]) -> list[Row]:
    """Errors on the half that was not fitted, per class and vocabulary, for us and the peers."""
    judged = [text for text in texts if not text.fitted or is_script(text.kind)]
    return [
        compare(kind, true, own, [text for text in judged if text.kind == kind])
        for kind in sorted({text.kind for text in judged})
        for true in vocabularies
        for own in ((true,) if true == "cl100k" else (true, "blend"))
    ]


def compare(kind: str, true: str, own: str, texts: list[Text]) -> Row:
    """Measure one class of texts."""
    errors = relative_errors(texts, true, lambda text: estimate_text(text, own))
    sizes = sorted(abs(error) for error in errors)
    langchain = relative_errors(texts, true, langchain_count)
    quarter = relative_errors(texts, true, lambda text: len(text) / 4)
    return Row(
        kind=kind,
        texts=len(texts),
        true=true,
        own=own,
        bias=fmean(errors),
        mean_error=fmean(sizes),
        p95_error=sizes[math.ceil(0.95 * len(sizes)) - 1],
        within_limit=fmean(size <= LIMIT for size in sizes),
        langchain_error=fmean(map(abs, langchain)),
        quarter_error=fmean(map(abs, quarter)),
    )


def missed_limits(rows: list[Row]) -> list[str]:
    """Classes whose mean error is over the limit; those of few texts are judged together."""
    asked = [row for row in rows if row.own == row.true and not is_script(row.kind)]
    means = {f"{row.kind} / {row.true}": row.mean_error for row in asked if row.texts >= FEW}
    for true in {row.true for row in asked}:
        small = [row for row in asked if row.true == true and row.texts < FEW]
        total = sum(row.mean_error * row.texts for row in small)
        means[f"small classes / {true}"] = total / max(1, sum(row.texts for row in small))
    return [f"{name}: {error:.1%}" for name, error in means.items() if error > LIMIT]


def relative_errors(texts: list[Text], true: str, count: Callable[[str], float]) -> list[float]:
    """Estimate over truth, minus one, for each text."""
    return [count(text.text) / max(text.tokens[true], 1) - 1 for text in texts]


def langchain_count(text: str) -> int:
    """LangChain's approximation of one bare text."""
    return count_tokens_approximately(
        [HumanMessage(text)], extra_tokens_per_message=0, count_name=False
    )


def measure_speed() -> dict[str, float]:
    """Microseconds per 100 characters, best of several rounds."""
    found = {}
    for kind in ("english", "chinese"):
        sample = " ".join(SAMPLES[kind])
        for length in (100, 1000, 100_000):
            text = (sample * (length // len(sample) + 1))[:length]
            number = max(5, 200_000 // length)
            best = min(timeit.repeat(lambda t=text: estimate_text(t), number=number, repeat=7))
            found[f"{kind} {length}"] = best / number / length * 1e8
    return found


def print_table(rows: list[Row], speed: Mapping[str, float]) -> None:
    """Print errors and speed."""
    print(
        "| class | texts | tokenizer | weights | bias | mean error | 95 % below | within 15 % "
        "| LangChain | chars / 4 |\n|---|--:|---|---|--:|--:|--:|--:|--:|--:|"
    )
    for row in rows:
        print(
            f"| {row.kind} | {row.texts} | {row.true} | {row.own} | {row.bias:+.1%} "
            f"| {row.mean_error:.1%} | {row.p95_error:.1%} | {row.within_limit:.0%} "
            f"| {row.langchain_error:.0%} | {row.quarter_error:.0%} |"
        )
    print("\nµs per 100 characters: " + ", ".join(f"{k}: {v:.2f}" for k, v in speed.items()))


def is_script(kind: str) -> bool:
    """Whether a class is one of the few-sentence samples, which are too few to be parted in two."""
    return kind.startswith("script")


def share_of(kind: str) -> float:
    """How much a class weighs in the fit: alike, however many texts it has, but rare ones less."""
    return 0.1 if is_script(kind) else 0.35 if kind == "identifiers" else 1.0


def print_fit(texts: list[Text], vocabularies: list[str]) -> None:
    """Least squares of relative errors, each class weighing the same; wants numpy."""
    import numpy as np  # noqa: PLC0415 - only the fit needs it.

    fitted = [text for text in texts if text.fitted or is_script(text.kind)]
    counts = np.zeros((len(fitted), len(Weights._fields)))
    for index, text in enumerate(fitted):
        found = count_patterns(text.text)
        counts[index, : len(found)] = found
    kinds = [text.kind for text in fitted]
    share = np.array([share_of(kind) / kinds.count(kind) for kind in kinds]) ** 0.5
    targets = {
        name: np.array([text.tokens[name] for text in fitted], float) for name in vocabularies
    }
    if {"qwen", "o200k"} <= targets.keys():
        # The geometric mean errs by the same factor either way.
        targets = {"blend": np.sqrt(targets["qwen"] * targets["o200k"]), **targets}
    for name, target in targets.items():
        scale = share / np.maximum(target, 1)
        weights, *_ = np.linalg.lstsq(counts * scale[:, None], target * scale, rcond=None)
        fields = zip(Weights._fields, weights, strict=True)
        body = ", ".join(f"{field}={weight:.2f}" for field, weight in fields)
        wrapped = textwrap.fill(body, 92, initial_indent=" " * 8, subsequent_indent=" " * 8)
        print(f'    "{name}": Weights(\n{wrapped},\n    ),')


if __name__ == "__main__":
    sys.exit(main())
