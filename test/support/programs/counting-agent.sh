# An agent for tests that need hundreds at once: 4 MB each, where a Node process has 45. Answers "NUMBER: MESSAGE", with
# the number of the turn in its session, within half a second; the number is the state that it saves. A shell has no JSON
# parser: it knows the fields in the order in which the runner writes them, and messages must hold no quotes.
turns=0
while IFS= read -r line; do
  case $line in
    '{"type":"hello"'*) echo '{"type":"ready","protocol":1}' ;;
    '{"type":"init"'*)
      state=${line##*\"state\":}
      turns=${state%%,*}
      if [ "$turns" = null ]; then turns=0; fi
      ;;
    '{"type":"turn"'*)
      rest=${line#*\"turnId\":\"}
      turn=${rest%%\"*}
      content=${rest#*\"content\":\"}
      content=${content%\"\}}
      printf '{"type":"chunk","turnId":"%s","delta":"%s: "}\n' "$turn" "$((turns + 1))"
      # A cancel may come while it works.
      if IFS= read -r -t "0.$((RANDOM % 5))5" line; then
        printf '{"type":"cancelled","turnId":"%s"}\n' "$turn"
      elif [ $? -le 128 ]; then
        exit
      else
        turns=$((turns + 1))
        printf '{"type":"chunk","turnId":"%s","delta":"%s"}\n' "$turn" "$content"
        printf '{"type":"done","turnId":"%s","state":%s}\n' "$turn" "$turns"
      fi
      ;;
  esac
done
