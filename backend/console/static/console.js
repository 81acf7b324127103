// Copies ids, and shows a verification in place. Without this file every link still leads to its page.
"use strict";
(function () {
  const say = document.body.dataset;

  function showCopyButtons(root) {
    if (navigator.clipboard) for (const button of root.querySelectorAll(".copy[hidden]")) button.hidden = false;
  }

  async function copy(button) {
    await navigator.clipboard.writeText(button.dataset.copy);
    const label = button.getAttribute("aria-label");
    button.classList.add("done");
    button.setAttribute("aria-label", say.copied);
    setTimeout(function () {
      button.classList.remove("done");
      button.setAttribute("aria-label", label);
    }, 1600);
  }

  function placeFor(link) {
    const row = link.closest("tr");
    if (!row) return link.closest(".step-body, .lift").querySelector(".verify-place");
    const next = row.nextElementSibling;
    if (next && next.classList.contains("verify-line")) return next.firstElementChild;
    const line = document.createElement("tr");
    const cell = document.createElement("td");
    line.className = "verify-line";
    cell.colSpan = row.cells.length;
    line.append(cell);
    row.after(line);
    return cell;
  }

  async function verify(link) {
    const place = placeFor(link);
    let box = place.querySelector(".verification-box");
    if (box) {
      (place.tagName === "TD" ? place.parentElement : box).remove();
      link.setAttribute("aria-expanded", "false");
      return;
    }
    box = document.createElement("div");
    box.className = "verification-box";
    box.setAttribute("aria-live", "polite");
    box.textContent = say.checking;
    place.append(box);
    link.setAttribute("aria-expanded", "true");
    try {
      const answer = await fetch(link.href, { headers: { "X-Fragment": "1" } });
      if (!answer.ok) throw new Error(String(answer.status));
      box.innerHTML = await answer.text();
      showCopyButtons(box);
    } catch {
      const page = document.createElement("a");
      page.href = link.href;
      page.textContent = link.textContent.trim();
      box.replaceChildren(say.failed + " ", page);
    }
  }

  document.addEventListener("click", function (event) {
    const button = event.target.closest(".copy");
    if (button) {
      copy(button);
      return;
    }
    const link = event.target.closest("a[data-verify]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
      event.preventDefault();
      verify(link);
    }
  });

  for (const link of document.querySelectorAll("a[data-verify]")) {
    link.setAttribute("role", "button");
    link.setAttribute("aria-expanded", "false");
    link.addEventListener("keydown", function (event) {
      if (event.key === " ") {
        event.preventDefault();
        verify(link);
      }
    });
  }
  showCopyButtons(document);
})();
