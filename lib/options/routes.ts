import { either, list, nested, text } from '../core/option-schema/kinds.js';
import type { Option } from '../core/option-schema/option.js';
import { declareOptions } from '../core/option-schema/shape.js';
import type { Route } from '../core/routing.js';

const EVENTS = "event types, such as 'issues.*'";

const ROUTE = declareOptions('a route', {
  /** Event types; `*` matches any run of characters. */
  events: either(EVENTS, text(), list(text(), EVENTS, 1)).required(),
  /** The stream of these events. */
  stream: text().required(),
});

/** One of the option `routes`. */
export const route: Option<Route> = nested(ROUTE);
