// What the main thread of a page did, from the browser's own trace.

const categories = ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline'];

/** traced runs what is to be measured, and gives the tasks of the page's main thread, in milliseconds. */
export async function traced(browser, page, what) {
  await browser.startTracing(page, { categories });
  const began = performance.now();
  let result;
  let took;
  let trace;
  try {
    result = await what();
    took = performance.now() - began;
  } finally {
    trace = JSON.parse((await browser.stopTracing()).toString());
  }
  return { result, took, ...tasksOf(trace.traceEvents) };
}

/** tasksOf has of each task how long it took, and how much of that the processor worked for it: on a busy machine that alone means something. */
export function tasksOf(events) {
  // Of several pages of the browser the one that worked most is the one that is measured.
  const main = events.filter((e) => e.name === 'thread_name' && e.args?.name === 'CrRendererMain').map((e) => {
    const tasks = events.filter((t) => t.pid === e.pid && t.tid === e.tid && t.ph === 'X' && t.name === 'ThreadControllerImpl::RunTask');
    return { tasks, cpu: tasks.reduce((sum, t) => sum + (t.tdur ?? 0), 0) / 1000 };
  }).sort((a, b) => b.cpu - a.cpu)[0];
  if (!main || main.tasks.length === 0) throw new Error('the trace has no tasks of a page: this browser traces in another way');
  return { cpu: main.cpu, longest: Math.max(...main.tasks.map((t) => t.tdur ?? 0)) / 1000, longestWall: Math.max(...main.tasks.map((t) => t.dur)) / 1000, long: main.tasks.filter((t) => (t.tdur ?? 0) > 50_000).length };
}
