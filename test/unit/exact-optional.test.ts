import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, it } from 'vitest';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

it('every public option takes undefined, with exactOptionalPropertyTypes too', () => {
  const { config } = ts.readConfigFile(path('../../tsconfig.json'), ts.sys.readFile) as {
    config: { compilerOptions: object };
  };
  const compilerOptions = { ...config.compilerOptions, exactOptionalPropertyTypes: true };
  const { options } = ts.convertCompilerOptionsFromJson(compilerOptions, path('../..'));
  const file = path('../support/undefined-options.ts');
  const program = ts.createProgram([file], options);
  const found = program.getSemanticDiagnostics(program.getSourceFile(file));
  const sentences = found.map(({ messageText }) =>
    ts.flattenDiagnosticMessageText(messageText, '\n'),
  );
  expect(sentences).toEqual([]);
}, 120_000);
