"""A task of one's own in a folder, and a data folder with a file for every task of the paper edition."""

from __future__ import annotations

import json
from pathlib import Path

from slmr.tasks import Task, load_task

OWN = """
task: {name}
custom_dataset: !function data.load
test_split: test
doc_to_text: "{{{{problem}}}}\\nEnd with #### and the number."
doc_to_target: "{{{{gold}}}}"
process_results: !function slmr.tasks.score_{kind}
generation_kwargs: {{until: ["\\n\\n"], max_gen_toks: 32, do_sample: false}}
metric_list: [{{metric: accuracy, aggregation: mean, higher_is_better: true}}]
metadata: {{version: 1, kind: numeric, edition: paper{extra}}}
"""
FEWSHOT = "fewshot_split: train\nfewshot_config: {sampler: first_n, doc_to_target: '{{worked}}'}\n"
DATA = """
WORKED = [{'problem': f'{i} + 1?', 'gold': str(i + 1), 'worked': f'It is {i + 1}. #### {i + 1}'} for i in range(3)]


def load(**_):
    from datasets import Dataset
    return {'test': Dataset.from_list(WORKED[:1]), 'train': Dataset.from_list(WORKED)}


def samples():
    return WORKED


def shout(doc):
    return doc['problem'].upper() + '!'
"""


def own_task(root: Path, name: str = "mine", kind: str = "numeric", extra: str = "", columns: str = "gold") -> None:
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "task.yaml").write_text(OWN.format(name=name, kind=kind, extra=extra))
    (folder / "data.py").write_text(
        "from datasets import Dataset\n\n\ndef load(**_):\n"
        f"    return {{'test': Dataset.from_list([{{'problem': '1 + 1?', {columns!r}: '2'}}] * 3)}}\n"
    )


def own_examples(root: Path, fewshot: str = FEWSHOT, name: str = "mine") -> Task:
    own_task(root, name)
    file = root / name / "task.yaml"
    file.write_text(file.read_text() + fewshot)
    (root / name / "data.py").write_text(DATA)
    return load_task(name, [root])


SAMPLES = "fewshot_config: {sampler: first_n, doc_to_target: '{{worked}}', samples: !function data.samples}\n"
SHOUTED = FEWSHOT.replace("first_n,", "first_n, doc_to_text: !function data.shout,")


def write_data(folder: Path) -> None:
    """Two training problems, one test problem a task."""
    gsm8k = [{"question": f"{i} + 1?", "answer": f"<<{i}+1={i + 1}>>{i + 1}.\n#### {i + 1}"} for i in range(2)]
    logiqa = "".join(f"\n{letter}\nctx {letter}\nq?\nA.v\nB.w\nC.x\nD.y\n" for letter in "cb")
    files = {
        "gsm8k/train.jsonl": "\n".join(map(json.dumps, gsm8k)),
        "gsm8k/test.jsonl": json.dumps(gsm8k[1]),
        "svamp/SVAMP.json": json.dumps([{"Body": "Ann has 3 pens", "Question": "How many?", "Answer": 3.0}]),
        "mawps/test.jsonl": json.dumps({"input": "How many?", "target": 4.5}),
        "math500/test.jsonl": json.dumps({"problem": "Half?", "answer": "\\frac{1}{2}"}),
        "logiqa/Test.txt": logiqa,
        "logiqa/Eval.txt": logiqa,
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
