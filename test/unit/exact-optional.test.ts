import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

describe('with exactOptionalPropertyTypes', { timeout: 120_000 }, () => {
  const files = {
    undefined: path('../support/undefined-options.ts'),
    typed: path('../support/typed-handlers.ts'),
  };
  let program: ts.Program;

  beforeAll(() => {
    const { config } = ts.readConfigFile(path('../../tsconfig.json'), ts.sys.readFile) as {
      config: { compilerOptions: object };
    };
    const compilerOptions = { ...config.compilerOptions, exactOptionalPropertyTypes: true };
    const { options } = ts.convertCompilerOptionsFromJson(compilerOptions, path('../..'));
    program = ts.createProgram(Object.values(files), options);
  }, 120_000);

  const problemsIn = (file: string): string[] =>
    program
      .getSemanticDiagnostics(program.getSourceFile(file))
      .map(({ messageText, start = 0 }) => {
        const { line } = program.getSourceFile(file)!.getLineAndCharacterOfPosition(start);
        return `${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
      });

  it('every public option takes undefined', () => {
    expect(problemsIn(files.undefined)).toEqual([]);
  });

  it('handlers and callbacks get typed payloads, and refuse others', () => {
    expect(problemsIn(files.typed)).toEqual([]);
  });
});
