import { decodeAssignment, type StreamAssignment } from './stream-assignment.js';
import type { StreamInput, StreamInputs } from '../ports/stream-ownership.js';

/** Why an input is discarded: it names no stream, or one that the service keeps something in itself. */
export type Unusable = 'unparseable' | 'reserved_name';

/** What an input says. Undefined: it was deleted. */
export function readInput(
  { id, fields }: StreamInput,
  inputs: Pick<StreamInputs, 'problemOf'>,
): StreamAssignment | Unusable | undefined {
  if (!fields) return undefined;
  const assignment = decodeAssignment(id, fields);
  if (!assignment) return 'unparseable';
  return inputs.problemOf(assignment.stream) === undefined ? assignment : 'reserved_name';
}

/** The assignment alone, where that is all that counts. */
export function assignmentOf(
  input: StreamInput | undefined,
  inputs: Pick<StreamInputs, 'problemOf'>,
): StreamAssignment | undefined {
  const said = input && readInput(input, inputs);
  return typeof said === 'object' ? said : undefined;
}
