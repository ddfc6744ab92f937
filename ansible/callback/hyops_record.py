"""Writes one line of JSON for every host when a playbook ends: the per-host results in a run record (L9).

The file is named by HYOPS_HOST_RESULTS, which the ansible driver sets. Only counters and the name of the
failed task are written, never a task's result: that may hold what must not be kept.
"""

import json
import os

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "hyops_record"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        self._failed_task = {}

    def v2_runner_on_failed(self, result, ignore_errors=False):
        if not ignore_errors:
            self._failed_task[result._host.get_name()] = result._task.get_name()

    def v2_runner_on_unreachable(self, result):
        self._failed_task[result._host.get_name()] = "unreachable before " + result._task.get_name()

    def v2_playbook_on_stats(self, stats):
        path = os.environ.get("HYOPS_HOST_RESULTS")
        if not path:
            return
        with open(path, "a", encoding="utf-8") as out:
            for host in sorted(stats.processed):
                summary = stats.summarize(host)
                line = {
                    "host": host,
                    "ok": summary["ok"],
                    "changed": summary["changed"],
                    "failed": summary["failures"],
                    "unreachable": summary["unreachable"],
                }
                if host in self._failed_task:
                    line["failed_task"] = self._failed_task[host]
                out.write(json.dumps(line) + "\n")
