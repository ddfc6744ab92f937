#!/usr/bin/env python3
"""The rack controller: racks by name, each under one key, up at the second look. Prints its port."""
import http.server
import json
import sys

RACKS = {}


class Controller(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, status, document=None):
        body = json.dumps(document or {}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_one(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Authorization") != "Bearer moon-token-1":
            return self.reply(401)
        name = self.path[len("/racks/"):]
        if self.command == "POST":
            order = json.loads(body)
            name = order["name"]
            if RACKS.get(name, order)["key"] != order["key"]:
                return self.reply(409)
            RACKS.setdefault(name, {"key": order["key"], "state": "starting", "host": {
                "name": name, "zone": "moon", "address": "10.0.0.%d" % (len(RACKS) + 1), "user": "root",
                "port": 22, "placement": "rack/" + name,
                "host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICD2XChnG0CTfFvyOsx8bzflpewGIuNHtXaFcl31up5Q"}})
        elif name not in RACKS:
            return self.reply(404)
        elif self.command == "DELETE":
            del RACKS[name]
            return self.reply(200)
        else:
            RACKS[name]["state"] = "up"
        return self.reply(200, RACKS[name])

    do_GET = do_POST = do_DELETE = handle_one

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Controller)
print(server.server_port, flush=True)
sys.stdin.close()
server.serve_forever()
