import { Skipped } from './skipped.js';

/**
 * What the suites need of a test runner: `describe` and `it` of vitest, of jest or of node:test. A
 * test never takes parameters by name, so that jest does not wait for a callback.
 */
export interface TestRunner {
  /** Declares a group of tests. */
  readonly describe: (name: string, declare: () => void) => unknown;
  /** Declares a test. */
  readonly it: (name: string, run: (...args: unknown[]) => Promise<void>) => unknown;
}

/** What the suites declare their tests with. */
export interface Tests {
  readonly describe: (name: string, declare: () => void) => void;
  readonly test: (name: string, run: Hook) => void;
  /** Before each test of this `describe`, after the hooks of the ones around it. */
  readonly beforeEach: (hook: Hook) => void;
  /** After each test of this `describe`, also a failed one, before the hooks of the ones around it. */
  readonly afterEach: (hook: Hook) => void;
  /** After the test that is running, before all of `afterEach`. */
  readonly onTestFinished: (hook: Hook) => void;
}

type Hook = () => unknown;

/** One `describe`: its hooks, and the `describe` around it. */
interface Scope {
  readonly path: readonly string[];
  readonly before: Hook[];
  readonly after: Hook[];
  readonly outer: Scope | undefined;
}

const scopeIn = (outer: Scope | undefined, name: string): Scope => ({
  path: [...(outer?.path ?? []), name],
  before: [],
  after: [],
  outer,
});

/** Runs hooks of their own around each test, so that a runner needs no hooks that know of skipping. */
class DeclaredTests implements Tests {
  private scope: Scope | undefined;
  private finishing: Hook[] = [];

  constructor(private readonly runner: TestRunner) {}

  readonly describe = (name: string, declare: () => void): void => {
    const scope = scopeIn(this.scope, name);
    // Some runners call this at once, others after all of the outer one was declared.
    this.runner.describe(name, () => {
      const before = this.scope;
      this.scope = scope;
      declare();
      this.scope = before;
    });
  };

  readonly test = (name: string, run: Hook): void => {
    const scope = scopeIn(this.scope, name);
    this.runner.it(name, async (...args) => {
      const reason = await this.run(scope, run);
      if (reason !== undefined) reportSkipped(args[0], scope.path, reason);
    });
  };

  readonly beforeEach = (hook: Hook): void => void this.scope!.before.push(hook);
  readonly afterEach = (hook: Hook): void => void this.scope!.after.push(hook);
  readonly onTestFinished = (hook: Hook): void => void this.finishing.push(hook);

  /** Answers the reason where the test was skipped. */
  private async run(scope: Scope, test: Hook): Promise<string | undefined> {
    const scopes = [];
    for (let at: Scope | undefined = scope; at; at = at.outer) scopes.push(at);
    this.finishing = [];
    let failure: { readonly error: unknown } | undefined;
    const attempt = async (hook: Hook) => {
      try {
        await hook();
      } catch (error) {
        failure ??= { error };
      }
    };
    for (const hook of scopes.toReversed().flatMap(({ before }) => before)) {
      if (!failure) await attempt(hook);
    }
    if (!failure) await attempt(test);
    for (const hook of this.finishing.toReversed()) await attempt(hook);
    for (const hook of scopes.flatMap(({ after }) => after.toReversed())) await attempt(hook);
    if (failure?.error instanceof Skipped) return failure.error.message;
    if (failure) throw failure.error;
    return undefined;
  }
}

/** vitest and node:test have `skip` in what they pass to a test. jest passes nothing: there it is printed. */
function reportSkipped(context: unknown, path: readonly string[], reason: string): void {
  const { skip } = (context ?? {}) as { skip?: (reason: string) => void };
  if (skip) skip.call(context, reason);
  // oxlint-disable-next-line no-console -- nothing else tells of a skipped test there
  else console.log(`skipped: ${path.join(' > ')}: ${reason}`);
}

/** Declares a suite with the functions of a runner. */
export function declareSuite(
  runner: TestRunner,
  name: string,
  declare: (tests: Tests) => void,
): void {
  const tests = new DeclaredTests(runner);
  tests.describe(name, () => declare(tests));
}
