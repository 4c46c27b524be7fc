// Experiments: all of them, or one.

import { changing } from "../changing.js";
import * as experiment from "./experiment.js";
import * as list from "./list.js";

export const page = (query) => changing(query, (query.has("experiments") ? list : experiment).seen);
