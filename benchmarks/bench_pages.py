"""The pages of Sections 3 to 5, run from what is shipped.

Claim: at most 60 seconds a page on two cores, with nothing rechecked. Beside each stands how many times as long it
takes as its floor: to start Python and import what a page imports.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

TARGET = 60
PAGES = ("03_functionality", "04_specialization", "05_functional_experts", "05_how_sure", "05_perturbing_encoders")
FLOOR = "import companion.experiments.obtain, companion.sections.specialization_tables, matplotlib.pyplot, seaborn"


def seconds(*command: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    floor = seconds("-c", FLOOR)
    with tempfile.TemporaryDirectory() as folder:
        for page in PAGES:
            out = Path(folder) / f"{page}.ipynb"
            taken = seconds("-m", "companion.rerun", page, "-p", "recompute", "none", "-o", str(out))
            print(f"{page}: {taken:.0f} s (target {TARGET}), {taken / floor:.1f} times its floor of {floor:.1f} s")


if __name__ == "__main__":
    main()
