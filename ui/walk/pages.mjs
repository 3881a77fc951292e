// The pages that walk.mjs looks at. refused are the paths that answer somebody
// who is not signed in with a refusal, as they should.
export const pages = [
  { path: '/ui/' },
];
