// @ts-check
import { writeFileSync } from 'node:fs';

/**
 * A test that was not run.
 * @typedef {object} NotRun
 * @property {string} suite the outermost `describe`, else the file
 * @property {string} name with all `describe` around it
 * @property {string} [reason] what the test, or its suite, says of why
 */

/**
 * What came of the tests.
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {readonly NotRun[]} [notRun]
 * @property {readonly Failure[]} [failures]
 * @property {readonly Failure[]} [unstable] failed, then passed when run by themselves
 */

/**
 * A test that failed, or a file that failed as a whole.
 * @typedef {object} Failure
 * @property {string} file relative to the root
 * @property {string} name with all `describe` around it; empty for a file
 * @property {string} reason messages of its errors, and where each was thrown
 */

/** Reporter of vitest: writes {@link Counts} to the file that TEST_REPORT names. */
export default class RunReport {
  /** @param {readonly import('vitest/node').TestModule[]} modules */
  onTestRunEnd(modules) {
    const file = process.env['TEST_REPORT'];
    if (file !== undefined) writeFileSync(file, JSON.stringify(countsOf(modules)));
  }
}

/** @param {readonly import('vitest/node').TestModule[]} modules @returns {Counts} */
function countsOf(modules) {
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const ended = (/** @type {string} */ state) =>
    tests.filter((test) => test.result().state === state).length;
  // A file that fails as a whole, as in an import.
  const broken = modules.filter(
    (module) => module.state() === 'failed' && [...module.children.allTests('failed')].length === 0,
  );
  const [passed, failed] = [ended('passed'), ended('failed')];
  return {
    passed,
    failed: failed + broken.length,
    skipped: tests.length - passed - failed,
    notRun: tests.filter((test) => test.result().state === 'skipped').map(notRun),
    failures: [
      ...tests.filter((test) => test.result().state === 'failed').map(failure),
      ...broken.map((module) => ({
        file: module.relativeModuleId,
        name: '',
        reason: reasonsOf([
          ...module.errors(),
          ...[...module.children.allSuites()].flatMap((suite) => suite.errors()),
        ]),
      })),
    ],
  };
}

/** @param {import('vitest/node').TestCase} test @returns {Failure} */
function failure(test) {
  const file = test.module.relativeModuleId;
  return { file, name: test.fullName, reason: reasonsOf(test.result().errors ?? []) };
}

/** @param {readonly { message: string, stacks?: readonly { file: string, line: number }[] }[]} errors */
function reasonsOf(errors) {
  return errors
    .map(({ message, stacks: [at] = [] }) => message + (at ? ` (${at.file}:${at.line})` : ''))
    .join('\n');
}

/**
 * A few lines for each failure, to be read without the output before them.
 * @param {readonly Failure[]} failures
 * @param {string} [word] before each
 * @returns {string[]}
 */
export function failureLines(failures, word = 'Failed') {
  return failures.map(({ file, name, reason }) =>
    [`${word}: ${[file, name].filter(Boolean).join(' > ')}`, ...reason.split('\n')].join('\n    '),
  );
}

/** @param {import('vitest/node').TestCase} test @returns {NotRun} */
function notRun(test) {
  const names = test.fullName.split(' > ');
  const reason = reasonOf(test);
  return {
    suite: names.length > 1 ? (names[0] ?? '') : test.module.relativeModuleId,
    name: names.join(' '),
    ...(reason !== undefined && { reason }),
  };
}

/** What the test said when it skipped itself, else what its suite says of all its tests. @param {import('vitest/node').TestCase} test */
function reasonOf(test) {
  const result = test.result();
  return ('note' in result ? result.note : undefined) ?? test.meta().notRun;
}

/**
 * One line for each suite and reason, with the number of tests. A test that is the only one with its
 * reason, or gives none, is named: its name says what it needs.
 * @param {readonly NotRun[]} tests
 * @param {boolean} [byName] name each test
 * @returns {string[]}
 */
export function notRunLines(tests, byName = false) {
  /** @type {Map<string, NotRun[]>} */
  const groups = new Map();
  for (const test of tests) {
    const alike = byName || test.reason === undefined ? test.name : `${test.suite}: ${test.reason}`;
    groups.set(alike, [...(groups.get(alike) ?? []), test]);
  }
  return [...groups].flatMap(([alike, some]) =>
    byName || some.length === 1 || some[0]?.reason === undefined
      ? some.map(
          ({ name, reason }) => `Not run: ${name}${reason === undefined ? '' : ` (${reason})`}`,
        )
      : `Not run: ${some.length} tests of ${alike}`,
  );
}
