import { Injectable } from '@nestjs/common';
import type { WorkflowState } from 'nestjs-redis-streams';

/** Prints how a workflow went, step by step. */
@Injectable()
export class Timeline {
  print({ id, status, steps }: WorkflowState): void {
    console.log(`Workflow ${id}: ${status}`);
    for (const { step, event, status: came, attempts, result, error } of steps) {
      const runs = attempts === 1 ? '' : `, ${attempts} runs`;
      const what = error?.message ?? (result === undefined ? '' : JSON.stringify(result));
      console.log(`  ${step.padEnd(6)} ${event}: ${came}${runs} ${what}`.trimEnd());
    }
  }
}
