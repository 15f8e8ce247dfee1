/* Prints what getaddrinfo says to each name: "NAME ADDRESS ...", or just "NAME". */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

static void print(const struct addrinfo *found)
{
	char text[INET6_ADDRSTRLEN];
	const void *address = found->ai_family == AF_INET
		? (const void *)&((const struct sockaddr_in *)found->ai_addr)->sin_addr
		: (const void *)&((const struct sockaddr_in6 *)found->ai_addr)->sin6_addr;
	printf(" %s", inet_ntop(found->ai_family, address, text, sizeof text));
}

int main(int count, char **names)
{
	struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *first, *found;

	for (int number = 1; number < count; number++) {
		printf("%s", names[number]);
		if (getaddrinfo(names[number], NULL, &wanted, &first) == 0) {
			for (found = first; found; found = found->ai_next)
				print(found);
			freeaddrinfo(first);
		}
		putchar('\n');
	}
	return 0;
}
