// The server that the console belongs to, with its data in a folder of its own.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** start runs the program on a port that the system chooses. */
export async function start(program) {
  const dir = await mkdtemp(path.join(tmpdir(), 'touchline-bench-'));
  const child = spawn(program, ['run', `--storage.path=${dir}`, '--web.listen-address=127.0.0.1:0', '--otlp.grpc-address=127.0.0.1:0', '--otlp.http-address=127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const keep = (b) => { said = (said + b).slice(-4000); };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const stop = async () => {
    if (child.exitCode === null && child.kill('SIGTERM')) await new Promise((done) => child.once('exit', done));
    await rm(dir, { recursive: true, force: true });
  };
  const end = Date.now() + 120_000;
  while (Date.now() < end && child.exitCode === null) {
    try {
      const { url } = JSON.parse(await readFile(path.join(dir, 'endpoints.json'), 'utf8'));
      if ((await fetch(`${url}/-/ready`)).ok) return { url, token: (await readFile(path.join(dir, 'admin.token'), 'utf8')).trim(), pid: child.pid, stop };
    } catch { /* not yet */ }
    await sleep(50);
  }
  await stop();
  throw new Error(`${program} does not become ready:\n${said}`);
}

/** processorTime is what a process has used so far, in seconds; undefined where the system does not tell. */
export async function processorTime(pid) {
  try {
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return undefined;
  }
}
