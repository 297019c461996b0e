import { decodeAssignment, type StreamAssignment } from './stream-assignment.js';
import type { StreamInput, StreamInputs } from '../ports/stream-inputs.js';

/**
 * Why an input is discarded: it names no stream, or a key in which the service keeps its own data.
 */
export type Unusable = 'unparseable' | 'reserved_name';

/** Reads an input. Undefined: the input was deleted. */
export function readInput(
  { id, fields }: StreamInput,
  inputs: Pick<StreamInputs, 'problemOf'>,
): StreamAssignment | Unusable | undefined {
  if (!fields) return undefined;
  const assignment = decodeAssignment(id, fields);
  if (!assignment) return 'unparseable';
  return inputs.problemOf(assignment.stream) === undefined ? assignment : 'reserved_name';
}

/** The assignment, or undefined for an input that is deleted or unusable. */
export function assignmentOf(
  input: StreamInput | undefined,
  inputs: Pick<StreamInputs, 'problemOf'>,
): StreamAssignment | undefined {
  const said = input && readInput(input, inputs);
  return typeof said === 'object' ? said : undefined;
}
