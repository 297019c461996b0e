import { describe, it } from 'node:test';
import { driverContract } from 'nestjs-redis-streams/testing';
import { fileHarness } from './file.harness.js';

driverContract({ describe, it }, 'file', fileHarness);
