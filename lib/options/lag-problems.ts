import type { LagOptions, LagThreshold } from '../core/lag.js';
import { whole, type Problems } from './problems.js';

/** What is wrong with the option `lag`. */
export function lagProblems(lag: LagOptions | undefined): Problems {
  if (lag === undefined) return [];
  const problems: Problems = [];
  whole(problems, lag, 'interval', 1);
  const { recovery, thresholds } = lag;
  if (recovery !== undefined && !(recovery >= 0 && recovery <= 1)) {
    problems.push(`recovery must be between 0 and 1, not ${String(recovery)}`);
  }
  if (thresholds !== undefined && !Array.isArray(thresholds)) {
    problems.push('thresholds must be a list of { streams, groups, warning, critical }');
  } else {
    thresholds?.forEach((threshold, index) => {
      const found = thresholdProblems(threshold as LagThreshold);
      problems.push(...found.map((problem) => `thresholds[${index}].${problem}`));
    });
  }
  return problems.map((problem) => `lag.${problem}`);
}

function thresholdProblems(threshold: LagThreshold): Problems {
  const problems: Problems = [];
  whole(problems, threshold, 'warning', 0);
  whole(problems, threshold, 'critical', 0);
  const { streams = '*', groups = '*', warning, critical } = threshold;
  for (const [key, names] of Object.entries({ streams, groups })) {
    const named = [names].flat().every((name) => typeof name === 'string' && name !== '');
    if (!named) problems.push(`${key} must be names, such as 'orders.*'`);
  }
  if (warning === undefined && critical === undefined) {
    problems.push('warning or critical must say how much is too much');
  }
  return problems;
}
