#!/usr/bin/env python3
"""schema_test.py SCHEMA FOLDER: every result in the folder keeps to the schema, and the schema is
strict: a result with a member less, a member more, or a wrong type does not."""

import copy
import json
import pathlib
import sys
import unittest

import jsonschema


class Schema(unittest.TestCase):
    def setUp(self):
        self.validator = jsonschema.Draft202012Validator(SCHEMA)

    def test_is_a_schema(self):
        jsonschema.Draft202012Validator.check_schema(SCHEMA)

    def test_results_keep_to_it(self):
        self.assertTrue(RESULTS)
        for name, result in RESULTS.items():
            errors = [f"{e.json_path}: {e.message[:200]}" for e in self.validator.iter_errors(result)]
            self.assertEqual(errors, [], name)

    def test_no_member_may_be_missing_or_new(self):
        result = RESULTS["closed"]
        for name in result:
            less = {k: v for k, v in result.items() if k != name}
            self.assertFalse(self.validator.is_valid(less), f"without {name}")
        self.assertFalse(self.validator.is_valid({**result, "new": 1}))
        for name in ("summary", "setup", "totals", "latency"):
            more = copy.deepcopy(result)
            more[name]["new"] = 1
            self.assertFalse(self.validator.is_valid(more), name)

    def test_types_are_looked_at(self):
        wrong = copy.deepcopy(RESULTS["closed"])
        wrong["summary"]["late"] = -1
        self.assertFalse(self.validator.is_valid(wrong))
        wrong["summary"]["late"] = "0"
        self.assertFalse(self.validator.is_valid(wrong))


if __name__ == "__main__":
    folder, schema = sys.argv.pop(), sys.argv.pop()
    SCHEMA = json.loads(pathlib.Path(schema).read_text(encoding="utf-8"))
    RESULTS = {path.stem: json.loads(path.read_text(encoding="utf-8"))
               for path in sorted(pathlib.Path(folder).glob("*.json"))}
    unittest.main()
