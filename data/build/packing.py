"""How a table is shipped: as small as Parquet can pack it, and there whole or not at all."""

from pathlib import Path

import pandas as pd


def write_table(table: pd.DataFrame, path: Path) -> None:
    temporary = path.with_suffix(".tmp")
    table.to_parquet(temporary, index=False, compression="brotli", compression_level=11, data_page_size=2**26)
    temporary.replace(path)
