// A small web service with auto-instrumentation: calls the orders service and logs.
const express = require("express");
const winston = require("winston");

const logger = winston.createLogger({ transports: [new winston.transports.Console()] });
const app = express();

app.get("/buy/:item", async (request, response) => {
  logger.info("buying an item", { item: request.params.item });
  const answer = await fetch(`${process.env.ORDERS_URL}/orders/${request.params.item}`);
  if (!answer.ok) {
    logger.error("the order failed", { status: answer.status });
  }
  response.status(answer.status).send(await answer.text());
});

const server = app.listen(0, "127.0.0.1", () => {
  console.log(`listening on ${server.address().port}`);
});

process.on("SIGTERM", () => server.close());
