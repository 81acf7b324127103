/** Ponder wants an API; the bench asks the database. */
import { Hono } from "hono";

export default new Hono();
