"""The reference page of what the code and the pages cite, for `generate.py`."""

from pathlib import Path

BIBLIOGRAPHY = Path(__file__).resolve().parents[1] / "references.bib"


def bibliography() -> dict[str, dict[str, str]]:
    """Entries of docs/references.bib by key; every field stands on a line of its own."""
    entries: dict[str, dict[str, str]] = {}
    for line in BIBLIOGRAPHY.read_text(encoding="utf-8").splitlines():
        if line.startswith("@"):
            key = line.split("{", 1)[1].strip(" ,")
            entries[key] = {}
        elif "=" in line and not line.startswith("%"):
            name, value = line.split("=", 1)
            entries[key][name.strip()] = value.strip().rstrip(",").strip("{}")
    return entries


def references_page() -> str:
    """The list of references.bib, for people."""
    parts = ["# References\n"]
    parts.append("The keys stand in brackets in the pages and the docstrings: [CJ96].\n")
    for key, entry in bibliography().items():
        where = ", ".join(entry[part] for part in ("journal", "booktitle") if part in entry)
        volume = f" {entry['volume']}" if "volume" in entry else ""
        pages_ = f":{entry['pages']}" if "pages" in entry else ""
        publisher = entry.get("publisher", "")
        source = ". ".join(text for text in (f"{where}{volume}{pages_}".strip(), publisher) if text)
        doi = f" doi:{entry['doi']}." if "doi" in entry else ""
        text = f"{entry['author']} ({entry['year']}) {entry['title'].rstrip('?')}. {source}.{doi}"
        note = f" {entry['note']}." if "note" in entry else ""
        parts.append(f"- **{key}** {text}{note}")
    return "\n".join([*parts, ""])
