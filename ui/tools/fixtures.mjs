// Runs the test over dashboards that are not part of the project. A missing
// folder is an error, because a test that skips itself would prove nothing.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

const root = process.env.FIXTURES;
if (!root || !existsSync(path.join(root, '01-grafana-dashboards'))) {
  console.error('FIXTURES must name the folder that has 01-grafana-dashboards in it: FIXTURES=/path npm run test:fixtures');
  process.exit(2);
}
const { status } = spawnSync('npx', ['vitest', 'run', 'test/fixtures.test.ts'], { stdio: 'inherit' });
process.exit(status ?? 1);
