// The server's side of every question: an answer, or a sentence that says why not.

async function answer(response) {
  const data = await response.json().catch(() => ({ error: "the studio gave no answer; is it still running?" }));
  if (!response.ok) throw new Error(data.error);
  return data;
}

const reach = (address, options) => fetch(address, options).catch(() => {
  throw new Error("the studio does not answer; start it again with `marey studio`");
});

export const start = async () => answer(await reach("/api/start"));

const post = (name, body) => reach(`/api/${name}`, {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

export const ask = async (name, body) => answer(await post(name, body));

export async function upload(file, cut) {
  const query = cut ? `?cut=${encodeURIComponent(JSON.stringify(cut))}` : "";
  return answer(await reach(`/api/upload${query}`, { method: "POST", body: file }));
}

export async function save(wish) {
  const response = await post("export", wish);
  if (!response.ok) return answer(response);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = `marey.${wish.kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  return null;
}

// Of questions that follow one another only the last answer counts, and one is under way at a time: while it is, the
// newest question waits and the ones between are never sent. fail(error) is told what went wrong, or null.
export function latest(work, done, fail) {
  let waiting = null, busy = false;
  async function next() {
    busy = true;
    while (waiting) {
      const input = waiting;
      waiting = null;
      try {
        const result = await work(...input);
        if (!waiting) { fail(null); done(result, ...input); }
      } catch (error) {
        if (!waiting) fail(error);
      }
    }
    busy = false;
  }
  return (...input) => { waiting = input; if (!busy) next(); };
}
