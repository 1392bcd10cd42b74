/*
 * What the first paint needs: the theme, the accent, and whether this tab is signed in. A classic
 * script in the head, because modules run after the first paint. Only the chosen theme is stored.
 */
{
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const choice = localStorage.getItem("authapi.theme") ?? "system";
    root.dataset.theme = choice;
    // The class is Swagger UI's own switch.
    root.classList.toggle(
      "dark-mode",
      choice === "dark" || (choice === "system" && system.matches),
    );
    document.getElementById("theme")?.setAttribute("aria-label", `Theme: ${choice}`);
  };
  const next = { system: "light", light: "dark", dark: "system" };
  document.addEventListener("click", ({ target }) => {
    if (!(/** @type {Element} */ (target).closest("#theme"))) return;
    localStorage.setItem("authapi.theme", next[root.dataset.theme]);
    if (root.dataset.theme === "dark") localStorage.removeItem("authapi.theme");
    apply();
  });
  document.addEventListener("DOMContentLoaded", apply);
  addEventListener("storage", apply);
  system.addEventListener("change", apply);
  apply();
  // Through the object model: the content security policy allows no style in the page.
  root.style.setProperty("--brand", root.dataset.accent ?? null);
  root.toggleAttribute("data-signed-in", Boolean(sessionStorage.getItem("authapi.session")));
}
