"""A small web service, instrumented by the OpenTelemetry distro: takes orders and logs."""

import logging

from flask import Flask, jsonify
from werkzeug.serving import make_server

app = Flask(__name__)
logger = logging.getLogger("orders")
logger.setLevel(logging.INFO)


@app.get("/orders/<item>")
def order(item):
    if item == "unobtainium":
        logger.error("item %s is out of stock", item)
        return jsonify(error="out of stock"), 503
    if item == "bomb":
        raise ValueError("the item exploded")
    logger.info("order accepted for %s", item)
    return jsonify(item=item)


if __name__ == "__main__":
    server = make_server("127.0.0.1", 0, app, threaded=True)
    print(f"listening on {server.port}", flush=True)
    server.serve_forever()
