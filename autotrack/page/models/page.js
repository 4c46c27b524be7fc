// Registered models: all of them, one, a version of one, or versions side by side.

import { changing } from "../changing.js";
import * as comparison from "./comparison.js";
import * as list from "./list.js";
import * as model from "./model.js";
import * as version from "./version.js";

export const page = (query) => changing(query, shown(query).seen);

function shown(query) {
  if (query.has("models")) return list;
  if (query.get("versions")) return comparison;
  return query.get("version") ? version : model;
}
