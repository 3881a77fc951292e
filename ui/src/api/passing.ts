/**
 * For what is asked under another key at each refresh: the answer before is of no
 * more use, and a page that stands for days must not keep minutes of them.
 */
export const passing = { gcTime: 5000 };
