import type { HandlerOptions } from '../core/handler-options.js';
import { orderByProblem } from '../core/order-by.js';
import { onceProblems } from './handler-once.js';
import { backoffProblems, truth, whole, type Problems } from './problems.js';

/** What is wrong with the options that a handler set for itself. */
export function handlerProblems(options: HandlerOptions): string[] {
  const problems: Problems = [];
  whole(problems, options, 'concurrency', 1);
  whole(problems, options, 'maxDeliveries', 1);
  whole(problems, options, 'timeout', 1);
  whole(problems, options, 'maxHold', 1);
  backoffProblems(problems, options.backoff);
  onceProblems(problems, options);
  truth(problems, options, 'plainInstructions');
  const order = orderByProblem(options.orderBy);
  if (order) problems.push(order);
  if (options.group === '') problems.push('group must not be empty');
  if (options.streams?.some((stream) => stream === '')) problems.push('stream must not be empty');
  return problems;
}
